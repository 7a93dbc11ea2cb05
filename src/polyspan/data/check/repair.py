"""Mending a data set: what is certain is repaired, the rest is set aside in another file, with the reasons."""

import json
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from polyspan.data.cards import card_of
from polyspan.data.check.offsets import Misplaced, explain, fits
from polyspan.data.check.rules import CONTROL, HANGUL, compose, mojibake
from polyspan.data.formats.parsed import STRUCTURE, Fault, Parsed, Quarantined
from polyspan.data.guess import language_of
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, write_text

# C1 controls are no part of this: they may stand for a letter of another encoding.
_BLANK = dict.fromkeys((*range(1, 9), 11, 12, *range(14, 32), 127), " ")


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What `repair` did. Every question of the source is in `out`, in `quarantine`, or a dropped exact double.

    `repaired` counts by rule; `questions` are in `out`. In the quarantine file are `quarantined_questions` that
    are not in `out`, `quarantined_answers` of questions that are, and `unplaced` items that are not questions.
    """

    out: str
    quarantine: str | None
    questions: int
    repaired: dict[str, int]
    quarantined_questions: int = 0
    quarantined_answers: int = 0
    unplaced: int = 0

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)


@dataclass(slots=True)
class _Bench:
    """What is being mended: counts, ids seen, and what was set aside by (title, context)."""

    repaired: Counter[str] = field(default_factory=Counter)
    seen: dict[str, tuple[str, Question]] = field(default_factory=dict)
    aside: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    unplaced: list[dict[str, Any]] = field(default_factory=list)
    questions: int = 0
    answers: int = 0

    def set_aside(self, paragraph: Paragraph, question: Question, reason: str, answers: Sequence[Answer]) -> None:
        item = {
            "id": question.id,
            "question": question.text,
            "answers": [{"text": answer.text, "answer_start": answer.start} for answer in answers],
            **({"is_impossible": True} if question.impossible else {}),
            "faults": [{"rule": reason}],
        }
        self.aside.setdefault((paragraph.title, paragraph.context), []).append(item)


@dataclass(frozen=True, slots=True)
class Mended:
    """What is left of a data set after every certain repair; `repaired` counts them by rule, `aside` has what was
    taken out as the text of a quarantine file ("" for nothing), and the three numbers are those of `RepairReport`.
    """

    corpus: Corpus
    repaired: dict[str, int]
    aside: str
    quarantined_questions: int
    quarantined_answers: int
    unplaced: int


def mended(parts: Sequence[Parsed]) -> Mended:
    """Parsed files as one corpus with every certain repair made: the rules that `checking` beside this file lists
    as such. What is set aside is SQuAD-like, each question with its `faults`; what is not a question at all stands
    under `unplaced`."""
    bench = _Bench()
    paragraphs: list[Paragraph] = []
    for part in parts:
        paragraphs += _mend_part(bench, part)
    card = card_of(parts)
    spoken = language_of(parts, card.language if card else None)
    aside = _quarantine(bench, spoken) if bench.aside or bench.unplaced else ""
    corpus, repaired = Corpus(tuple(paragraphs), language=spoken), dict(bench.repaired.most_common())
    return Mended(corpus, repaired, aside, bench.questions, bench.answers, len(bench.unplaced))


def mend(parts: Sequence[Parsed], out: Source) -> RepairReport:
    """Write parsed files to `out` as `mended` leaves them, and to `OUT.quarantine.json` what it set aside, if
    anything.

    Both files name the language where it is known, and are written whole or not at all. Raises PolyspanError where
    there is no question that could be kept, and UsageError where one of the two is the file that is read.
    """
    aside = Path(f"{out}.quarantine.json")
    _refuse_source(parts, (Path(out), aside))
    found = mended(parts)
    if not len(found.corpus):
        raise _nothing_left(parts, out)
    if found.aside:
        write_text(aside, found.aside)
    write(found.corpus, out)
    if not found.aside:
        # Left from an earlier repair to the same file, it would tell of faults that are no more.
        aside.unlink(missing_ok=True)
    return RepairReport(
        str(out),
        str(aside) if found.aside else None,
        len(found.corpus),
        found.repaired,
        found.quarantined_questions,
        found.quarantined_answers,
        found.unplaced,
    )


def _refuse_source(parts: Sequence[Parsed], targets: Sequence[Path]) -> None:
    for target in targets:
        for part in parts:
            if target.exists() and os.path.exists(part.file) and os.path.samefile(target, part.file):
                message = "that would overwrite the data it is read from"
                raise UsageError(message, where=str(target), fix="write to another file")


def _nothing_left(parts: Sequence[Parsed], out: Source) -> PolyspanError:
    structural = [fault for part in parts for fault in part.faults if fault.rule in STRUCTURE]
    if structural:
        # The encoding of the whole file comes first, and is often not what the data were lost for.
        return min(structural, key=lambda fault: fault.rule == "encoding" and not fault.id).error()
    fix = "mend the faults that polyspan check DATA names"
    return PolyspanError("no question is left after the repair", where=str(out), fix=fix)


def _mend_part(bench: _Bench, part: Parsed) -> list[Paragraph]:
    for item in part.quarantine:
        _keep(bench, item)
    undecoded = any(fault.rule == "encoding" for item in part.quarantine for fault in item.faults)
    for fault in part.faults:
        if fault.rule == "bom" or (fault.rule == "encoding" and not fault.id and not undecoded):
            bench.repaired[fault.rule] += 1
    if part.odd_starts:
        bench.repaired["answer-start-type"] += len(part.odd_starts)
    placeless = {(fault.id, fault.field) for fault in part.faults if fault.field.endswith(".answer_start")}
    composed = [_clean(bench, paragraph) for paragraph in part.paragraphs]
    starts = _starts(composed)
    mended: list[Paragraph] = []
    for number, paragraph in enumerate(composed):
        kept: list[Question] = []
        for index, question in enumerate(paragraph.questions):
            answers = [starts.get((number, index, at), a) for at, a in enumerate(question.answers)]
            for at, answer in enumerate(answers):
                if answer is not None and answer.start != question.answers[at].start:
                    key = (question.id, f"answers[{at}].answer_start")
                    bench.repaired["missing-key" if key in placeless else "offset"] += 1
            if good := _judge(bench, paragraph, question, answers):
                kept.append(good)
        if kept or (not paragraph.questions and paragraph.context.strip()):
            mended.append(replace(paragraph, questions=tuple(kept)))
    return mended


def _starts(paragraphs: Sequence[Paragraph]) -> dict[tuple[int, int, int], Answer | None]:
    # Every answer that is not in place: the same answer in place, or None where its place is not certain.
    keys: list[tuple[int, int, int]] = []
    misplaced: list[Misplaced] = []
    result: dict[tuple[int, int, int], Answer | None] = {}
    right = 0
    for number, paragraph in enumerate(paragraphs):
        for index, question in enumerate(paragraph.questions):
            for at, answer in enumerate(question.answers):
                if not answer.text.strip():
                    result[number, index, at] = None
                elif fits(paragraph.context, answer.text, answer.start):
                    right += 1
                elif answer.text in paragraph.context:
                    keys.append((number, index, at))
                    misplaced.append(Misplaced(number, paragraph.context, answer))
                else:
                    result[number, index, at] = None
    for key, item, (_, start) in zip(keys, misplaced, explain(misplaced, right), strict=True):
        result[key] = None if start is None else Answer(item.answer.text, start)
    return result


def _judge(
    bench: _Bench, paragraph: Paragraph, question: Question, answers: Sequence[Answer | None]
) -> Question | None:
    reason = _reason(paragraph, question)
    if question.id in bench.seen and not reason:
        if bench.seen[question.id] == (paragraph.context, question):
            bench.repaired["duplicate-id"] += 1
            return None
        reason = "duplicate-id"
    good = tuple(answer for answer in answers if answer is not None)
    lost = [old for old, new in zip(question.answers, answers, strict=True) if new is None]
    if not reason and not good and not question.impossible:
        reason = _why(paragraph.context, lost[0]) if lost else "no-answer"
    if reason:
        bench.set_aside(paragraph, question, reason, question.answers)
        bench.questions += 1
        return None
    bench.seen[question.id] = (paragraph.context, question)
    for answer in lost:
        bench.set_aside(paragraph, question, _why(paragraph.context, answer), [answer])
        bench.answers += 1
    return replace(question, answers=good)


def _reason(paragraph: Paragraph, question: Question) -> str:
    """The rule for which a whole question goes, or nothing."""
    texts = (paragraph.context, question.text)
    if not paragraph.context.strip():
        return "context-empty"
    if not question.text.strip():
        return "question-empty"
    if any(CONTROL.search(text) for text in texts):
        return "control-character"
    return "mojibake" if any(mojibake(text) is not None for text in texts) else ""


def _why(context: str, answer: Answer) -> str:
    if not answer.text.strip():
        return "answer-empty"
    return "offset" if answer.text in context else "answer-missing"


def _clean(bench: _Bench, paragraph: Paragraph) -> Paragraph:
    """The paragraph with spaces for control characters and with Hangul composed, offsets moved along."""

    def clean(text: str) -> str:
        for rule, better in (("control-character", text.translate(_BLANK)), ("nfd-hangul", compose(text))):
            if better != text:
                bench.repaired[rule] += 1
        return compose(text.translate(_BLANK))

    context = clean(paragraph.context)
    # Composing shortens the text: an offset moves by what was lost before it.
    shifts = [
        (match.end(), len(match.group()) - len(unicodedata.normalize("NFC", match.group())))
        for match in HANGUL.finditer(paragraph.context)
    ]

    def move(answer: Answer) -> Answer:
        lost = sum(shorter for end, shorter in shifts if end <= answer.start)
        text = compose(answer.text.translate(_BLANK))
        return answer if text == answer.text and not lost else Answer(text, answer.start - lost)

    questions = tuple(
        replace(question, text=clean(question.text), answers=tuple(move(answer) for answer in question.answers))
        for question in paragraph.questions
    )
    return replace(paragraph, context=context, questions=questions)


def _keep(bench: _Bench, item: Quarantined) -> None:
    faults = [_short(fault) for fault in item.faults]
    if item.context is not None and isinstance(item.item, dict):
        bench.aside.setdefault((item.title, item.context), []).append({**item.item, "faults": faults})
        bench.questions += 1
    else:
        bench.unplaced.append({"place": item.place, "faults": faults, "item": item.item})


def _short(fault: Fault) -> dict[str, str]:
    return {key: value for key, value in fault.as_json().items() if key not in ("file", "id", "fix")}


def _quarantine(bench: _Bench, language: str | None) -> str:
    articles: dict[str, list[dict[str, Any]]] = {}
    for (title, context), qas in bench.aside.items():
        articles.setdefault(title, []).append({"context": context, "qas": qas})
    data = [{"title": title, "paragraphs": paragraphs} for title, paragraphs in articles.items()]
    document = {"version": "polyspan-quarantine", "language": language, "data": data, "unplaced": bench.unplaced}
    text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(document, indent=1, default=str)
    return text + "\n"
