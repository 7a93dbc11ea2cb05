"""`reorder`: the sentences of a corpus in another word order, its answers carried along.

Contexts and questions are reordered sentence by sentence, the text between sentences stays. Blanks: words that
were neighbours keep what stood between them; words that were not get one space (none in Chinese, Thai and
other languages without),
but for punctuation and symbols, which cling to the side they clung to ("," to the left, "(" to the right),
whatever their new neighbour. The marks that end a sentence stay at its end. Case is left as it is.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from polyspan.data.languages import spaced
from polyspan.data.schema import Answer, Corpus, Paragraph, Question, require_corpus
from polyspan.errors import choose
from polyspan.make.made import Made, made, tally
from polyspan.make.maker import Maker
from polyspan.make.reordering.conllu import Sentence
from polyspan.make.reordering.parsers import PARSERS, NoTree, Parser, open_parser
from polyspan.make.reordering.typology import CHOICES, RULES, linearise
from polyspan.progress import progress

STRATEGIES = ("cover", "longest_run", "recover", "drop")
"""What becomes of an answer whose words no longer stand together: the shortest span over all of them, their
longest run, the nearest text (policy `paper_min` of `recover`), or nothing."""

_BLOCK = 100
_ALWAYS = ("all", "contiguous", "contiguous_in_new_order", "cut_a_word", "lost_without_words")
_ENDS = frozenset(".?!…。？！｡؟।")


@dataclass(frozen=True, slots=True)
class Moved:
    """A text in its new order. Word i of the old text stood at `old[i]` and is word `place[i]` of the new one;
    word j of the new one stands at `new[j]`; −1 is the place of a full stop that the rule loses. Spans are code
    points, end exclusive."""

    text: str
    old: list[tuple[int, int]]
    new: list[tuple[int, int]]
    place: list[int]


@dataclass(slots=True)
class _Counts:
    sentences: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(_ALWAYS, 0)))

    def as_json(self) -> dict[str, Any]:
        """Totals first, then each part of the corpus and the answers. Changes are those of the linearisation,
        as other work counts them; `ends_held` are sentences whose final marks were then put back to the end."""
        parts = {part: self._part(part) for part in ("context", "question")}
        whole = _Counts()
        for name in ("sentences", "changed", "words", "moved", "lost", "held"):
            getattr(whole, name)["all"] = sum(getattr(self, name).values())
        return {**whole._part("all"), **parts, "answers": tally(self.answers)}

    def _part(self, part: str) -> dict[str, Any]:
        sentences, words = self.sentences[part], self.words[part]
        return {
            "sentences": sentences,
            "sentences_changed": self.changed[part],
            "sentences_changed_pct": round(100 * self.changed[part] / max(1, sentences), 1),
            "positions": words,
            "positions_changed": self.moved[part],
            "positions_changed_pct": round(100 * self.moved[part] / max(1, words), 1),
            "ends_held": self.held[part],
            **({"full_stops_lost": self.lost[part]} if self.lost[part] else {}),
            **({"without_tree": self.without[part]} if self.without[part] else {}),
        }


def reorder(
    corpus: Corpus,
    order: str,
    parser: str | Parser,
    *,
    strategy: str = "cover",
    rule: str = "mended",
    seed: int = 0,
    doing: str = "",
) -> Made:
    """The corpus with its sentences in another word order; see `typology` beside this file for orders and rules.

    `parser` is one of `conllu:FILE`, `spacy:MODEL`, `stanza:LANG` or an object that parses. An answer goes where
    its words go: exact where they stand together, by `strategy` where they do not. An answer that cuts a word
    takes the whole of it where the words around it change. A question whose answers are all lost is dropped;
    a question without a tree in a file of trees stays as it was; both are counted. `doing` names the work in a
    progress bar. Raises UsageError for unknown names, PolyspanError where trees do not match a context.
    """
    require_corpus(corpus, "make.reorder")
    choose("order", order, CHOICES)
    choose("strategy", strategy, STRATEGIES)
    choose("rule", rule, RULES)
    parser = open_parser(parser) if isinstance(parser, str) else parser
    counts = _Counts()
    work = _Work(order, strategy, rule, seed, " " if spaced(corpus.language) else "", counts)
    paragraphs: list[Paragraph] = []
    with progress(doing, len(corpus.paragraphs), "paragraphs") as advance:
        for first in range(0, len(corpus.paragraphs), _BLOCK):
            block = corpus.paragraphs[first : first + _BLOCK]
            paragraphs += _reorder_block(work, block, first, parser)
            advance(len(block), "")
    more = "" if rule == RULES[0] else f", rule={rule}"
    name = f"make:reorder({corpus.name}, order={order}{more}, seed={seed})"
    result = replace(corpus, paragraphs=tuple(paragraphs), name=name, source="")
    options = {"order": order, "parser": parser.name, "strategy": strategy, "rule": rule, "seed": seed}
    told = counts.as_json()
    said = "{sentences_changed:,} of {sentences:,} sentences in another order ({sentences_changed_pct} %)"
    said = said.format_map(told)
    return made(result, corpus, "reorder", options, told, counts.answers["ambiguous"], said)


REORDER = Maker(
    "reorder",
    reorder,
    "make:reorder(mini:en/test, order=sov, parser=conllu:mini)",
    tools={"parser": PARSERS},
    slow=True,
    deviation="Reordered by the parses of {}; the paper does not name its parser.",
)


@dataclass(frozen=True, slots=True)
class _Work:
    order: str
    strategy: str
    rule: str
    seed: int
    gap: str
    counts: _Counts


def _reorder_block(work: _Work, block: Sequence[Paragraph], first: int, parser: Parser) -> list[Paragraph]:
    contexts = parser.parse([paragraph.context for paragraph in block])
    asked = _parse_questions(parser, [question.text for each in block for question in each.questions])
    result, at = [], 0
    for number, (paragraph, sentences) in enumerate(zip(block, contexts, strict=True), first):
        moved = _move(work, paragraph.context, sentences, "context", str(number))
        kept: list[Question] = []
        for index, question in enumerate(paragraph.questions):
            trees, at = asked[at], at + 1
            text = question.text
            if trees is None:
                work.counts.without["question"] += 1
            else:
                text = _move(work, text, trees, "question", f"{number}/{index}").text
            answers = [_carry(work, paragraph.context, moved, answer) for answer in question.answers]
            good = tuple(answer for answer in answers if answer is not None)
            if good or not question.answers:
                kept.append(replace(question, text=text, answers=good))
        if kept or not paragraph.questions:
            result.append(replace(paragraph, context=moved.text, questions=tuple(kept)))
    return result


def _parse_questions(parser: Parser, texts: Sequence[str]) -> Sequence[list[Sentence] | None]:
    # A file of trees may hold those of the contexts alone.
    try:
        return parser.parse(texts)
    except NoTree:
        result: list[list[Sentence] | None] = []
        for text in texts:
            try:
                result += parser.parse([text])
            except NoTree:
                result.append(None)
        return result


def _move(work: _Work, text: str, sentences: Sequence[Sentence], part: str, number: str) -> Moved:
    counts = work.counts
    pieces: list[str] = []
    old: list[tuple[int, int]] = []
    new: list[tuple[int, int]] = []
    place: list[int] = []
    cursor = length = 0
    for index, sentence in enumerate(sentences):
        order = linearise(sentence, work.order, f"{work.seed}/{part}/{number}/{index}", work.rule)
        lost = len(sentence.tokens) - len(order)
        changed = sum(was != now for now, was in enumerate(order)) + lost
        permutation = hold_end(sentence, order)
        written, spans = written_in(sentence, permutation, work.gap)
        between = text[cursor : sentence.start]
        length += len(between)
        pieces += between, written
        counts.sentences[part] += 1
        counts.changed[part] += changed > 0
        counts.words[part] += len(sentence.tokens)
        counts.moved[part] += changed
        counts.lost[part] += lost
        counts.held[part] += permutation is not order
        base, first, first_new = sentence.start, len(place), len(new)
        old += [(base + token.start, base + token.end) for token in sentence.tokens]
        new += [(length + start, length + end) for start, end in spans]
        place += [-1] * len(sentence.tokens)
        for now, was in enumerate(permutation):
            place[first + was] = first_new + now
        length += len(written)
        cursor = sentence.end
    return Moved("".join(pieces) + text[cursor:], old, new, place)


def hold_end(sentence: Sentence, permutation: list[int]) -> list[int]:
    """The permutation with the sentence's final marks (. ? !) at its end again, where they were moved away.

    Brackets and quotation marks after them go with the tree.
    """
    tokens = sentence.tokens
    tail = len(tokens)
    while tail and all(unicodedata.category(char)[0] == "P" for char in tokens[tail - 1].form):
        tail -= 1
    if permutation[tail:] == list(range(tail, len(tokens))):
        return permutation
    marks = [place for place in range(tail, len(tokens)) if _ENDS.issuperset(tokens[place].form)]
    marks = [place for place in marks if place in permutation]
    return [place for place in permutation if place not in marks] + marks


def written_in(
    sentence: Sentence, permutation: Sequence[int], gap: str = " "
) -> tuple[str, list[tuple[int, int]]]:
    """The sentence's text in a new order, and the spans of its words there; `gap` divides new neighbours."""
    text, tokens = sentence.text, sentence.tokens
    if len(permutation) == len(tokens) and all(was == now for now, was in enumerate(permutation)):
        return text, [(token.start, token.end) for token in tokens]
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    at, before = 0, -1
    for place in permutation:
        if before >= 0:
            if place == before + 1:
                between = text[tokens[before].end : tokens[place].start]
            else:
                between = "" if _clings(sentence, before)[1] or _clings(sentence, place)[0] else gap
            pieces.append(between)
            at += len(between)
        word = text[tokens[place].start : tokens[place].end]
        pieces.append(word)
        spans.append((at, at + len(word)))
        at += len(word)
        before = place
    return "".join(pieces), spans


def _clings(sentence: Sentence, place: int) -> tuple[bool, bool]:
    # Whether a mark belongs to its left, its right neighbour. Words do not: "Jo's eating it" → "Jo it 's eating".
    tokens, text = sentence.tokens, sentence.text
    token = tokens[place]
    form = text[token.start : token.end]
    if any(char.isalnum() for char in form):
        return False, False
    space_before = place == 0 or tokens[place - 1].end < token.start
    space_after = place + 1 == len(tokens) or token.end < tokens[place + 1].start
    if space_before or space_after:
        return not space_before, not space_after
    kind = unicodedata.category(form[0])
    return kind not in ("Ps", "Pi", "Sc"), kind in ("Ps", "Pi", "Sc", "Pd") or form == "/"


def _carry(work: _Work, context: str, moved: Moved, answer: Answer) -> Answer | None:
    counts = work.counts.answers
    counts["all"] += 1
    first = bisect_right(moved.old, answer.start, key=lambda span: span[1])
    last = bisect_left(moved.old, answer.end, key=lambda span: span[0])
    places = sorted(place for place in moved.place[first:last] if place >= 0)
    if not places or not answer.text:
        counts["lost_without_words"] += 1
        return None
    together = places[-1] - places[0] + 1 == len(places)
    from_, to = moved.old[first][0], moved.old[last - 1][1]
    cuts = from_ < answer.start or answer.end < to
    if together:
        counts["contiguous"] += 1
        start = moved.new[places[0]][0]
        span = start, moved.new[places[-1]][1]
        if moved.text[slice(*span)] == context[from_:to]:
            # Read as before, it keeps even an edge within a word (1920 of 1920s), or a blank at its side.
            shifted = start + answer.start - from_
            if shifted >= 0 and moved.text.startswith(answer.text, shifted):
                return Answer(answer.text, shifted)
        else:
            counts["contiguous_in_new_order"] += 1
    else:
        found = _by_strategy(work, moved, answer, places)
        if found is None:
            return None
        span = found
    counts["cut_a_word"] += cuts and work.strategy != "recover"
    return Answer(moved.text[slice(*span)], span[0])


def _by_strategy(work: _Work, moved: Moved, answer: Answer, places: Sequence[int]) -> tuple[int, int] | None:
    counts = work.counts.answers
    if work.strategy == "drop":
        counts["dropped"] += 1
        return None
    if work.strategy == "recover":
        from polyspan.make.recover.recover import find_span

        found = find_span(moved.text, answer.text, policy="paper_min")
        counts["not_recovered" if found is None else "recovered"] += 1
        counts["ambiguous"] += found is not None and found.ambiguous
        return None if found is None else (found.start, found.end)
    if work.strategy == "cover":
        counts["covered"] += 1
        counts["words_added_by_cover"] += places[-1] - places[0] + 1 - len(places)
        return moved.new[places[0]][0], moved.new[places[-1]][1]
    counts["longest_run"] += 1
    run = _longest_run(places)
    counts["words_lost_by_run"] += len(places) - len(run)
    return moved.new[run[0]][0], moved.new[run[-1]][1]


def _longest_run(places: Sequence[int]) -> Sequence[int]:
    best = first = 0
    length = 1
    for at in range(1, len(places) + 1):
        if at == len(places) or places[at] != places[at - 1] + 1:
            if at - first > length or first == 0:
                best, length = first, at - first
            first = at
    return places[best : best + length]
