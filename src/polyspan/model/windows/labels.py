"""Which pieces of the context are the answer: the label that training points to."""

from typing import Any, Literal

import numpy as np

from polyspan.data.schema import Answer, Corpus
from polyspan.model.windows.tokens import Ints, Tokens, tokenise

Span = tuple[int, int]

NO_ANSWER: Span = (-1, -1)
"""The label of a question that the context does not answer: training points to `Layout.null`."""

_WORD_BREAKS = " \t\r\n\u202f"  # where run_squad.py splits a context


def label_spans(
    corpus: Corpus, contexts: Tokens, tokenizer: Any, rule: Literal["offsets", "first_match"]
) -> tuple[list[Span | None], dict[str, int]]:
    """The first and last piece of each question's first answer, and why some have none (None), counted.

    `offsets`: the pieces that the annotated characters touch (transformers' `run_qa.py`). `first_match`: as
    BERT's `run_squad.py`, whose label on unspaced text is the first place where the answer's pieces occur
    (docs/training.md); tokenizers other than WordPiece match characters instead. Questions without a usable answer
    (`answer-empty`, `offset`, …) are None.
    """
    spans: list[Span | None] = []
    skipped: dict[str, int] = {}
    answers = [question.answers[0] if question.answers else None for _, question in corpus.questions()]
    by_pieces = rule == "first_match" and _is_wordpiece(tokenizer)
    wanted = (
        tokenise([answer.text if answer else "" for answer in answers], tokenizer, places=False)
        if by_pieces
        else None
    )
    number = 0
    for place, paragraph in enumerate(corpus.paragraphs):
        starts, ends = contexts.spans(place)
        for question in paragraph.questions:
            answer = answers[number]
            if question.impossible:
                spans.append(NO_ANSWER)
            elif (reason := _unusable(answer, paragraph.context)) or answer is None:
                skipped[reason] = skipped.get(reason, 0) + 1
                spans.append(None)
            elif rule == "offsets":
                spans.append(_touched(answer.start, answer.end, starts, ends))
            elif wanted is None:
                first = _first_place(answer, paragraph.context)
                spans.append(_touched(first, first + len(answer.text.strip()), starts, ends))
            else:
                words = _touched(*_whole_words(answer, paragraph.context), starts, ends)
                spans.append(_first_match(contexts.of(place), wanted.of(number), words))
            if spans[-1] is not None and spans[-1] is not NO_ANSWER and spans[-1][1] < spans[-1][0]:
                skipped["answer-unreadable"] = skipped.get("answer-unreadable", 0) + 1
                spans[-1] = None  # characters that the tokenizer drops
            number += 1
    return spans, skipped


def _unusable(answer: Answer | None, context: str) -> str:
    """Why a question cannot be learnt from, as the rule name that `polyspan check` uses, or ''."""
    if answer is None:
        return "no-answer"
    if not answer.text.strip():
        return "answer-empty"
    if context[answer.start : answer.end] != answer.text:
        return "offset"
    return ""


def _touched(start: int, end: int, starts: Ints, ends: Ints) -> Span:
    """First and last piece that share a character with [start, end); last < first where none does."""
    first = int(np.searchsorted(ends, start, side="right"))
    return first, int(np.searchsorted(starts, end, side="left")) - 1


def _whole_words(answer: Answer, context: str) -> Span:
    """The words of the answer's first and last character; a space belongs to the word before it."""
    start, end = answer.start, answer.end
    while start > 0 and context[start] in _WORD_BREAKS:
        start -= 1
    while context[end - 1] in _WORD_BREAKS:
        end -= 1
    while start > 0 and context[start - 1] not in _WORD_BREAKS:
        start -= 1
    while end < len(context) and context[end] not in _WORD_BREAKS:
        end += 1
    return start, end


def _is_wordpiece(tokenizer: Any) -> bool:
    return type(tokenizer.backend_tokenizer.model).__name__ == "WordPiece"


def _first_place(answer: Answer, context: str) -> int:
    """Where the answer's text first stands within its words.

    WordPiece gives an answer the same pieces wherever it stands; other tokenizers do not, and matching pieces,
    as run_squad.py does, would find nothing or something else.
    """
    return context.index(answer.text.strip(), *_whole_words(answer, context))


def _first_match(ids: Ints, wanted: Ints, wide: Span) -> Span:
    """The first place of `wanted` within the wide span; the wide span where there is none."""
    if not len(wanted) or wide[1] - wide[0] + 1 < len(wanted):
        return wide
    stretch = np.lib.stride_tricks.sliding_window_view(ids[wide[0] : wide[1] + 1], len(wanted))
    found = np.flatnonzero((stretch == wanted).all(1))
    return (wide[0] + int(found[0]), wide[0] + int(found[0]) + len(wanted) - 1) if len(found) else wide
