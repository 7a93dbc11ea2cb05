"""Examples as the page shows them: a question, its context with the spans marked, and who answered what."""

from dataclasses import dataclass

from polyspan.data.languages import direction
from polyspan.report.notation import listed
from polyspan.report.page.spans import Segment, Span, segments
from polyspan.report.record.record import Example, Record
from polyspan.report.tables.grid import Grid, Line


@dataclass(frozen=True, slots=True)
class ExampleVerdict:
    """One answer, judged, and the Readers that gave it: `kind` is "exact", "partial" or "wrong"."""

    letter: str
    readers: str
    text: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One question. `parts` are segments of the context, each with the letters of the answers that end there."""

    question: str
    lang: str
    dir: str
    parts: list[tuple[Segment, str]]
    gold: list[str]
    verdicts: list[ExampleVerdict]


def shown_examples(record: Record, grid: Grid) -> list[tuple[Line, list[Shown]]]:
    """The examples by test set, in the grid's order; the answers of several Readers to one question together."""
    columns = {column.name: column for column in grid.columns}
    titles = {row.name: row.title for row in grid.rows}
    found: dict[str, dict[tuple[str, str, str], list[Example]]] = {}
    for example in record.examples:
        same = found.setdefault(example.test, {})
        same.setdefault((example.id, example.context, example.question), []).append(example)
    order = [name for name in columns if name in found] + [name for name in found if name not in columns]
    return [
        (columns.get(name, Line(name, name, ())), [_shown(group, titles) for group in found[name].values()])
        for name in order
    ]


def _shown(group: list[Example], titles: dict[str, str]) -> Shown:
    one = group[0]
    answers: dict[Span | None, list[Example]] = {}
    for example in group:
        answers.setdefault(example.predicted, []).append(example)
    parts = segments(one.context, one.gold, list(answers))
    letters = [chr(ord("a") + index % 26) for index in range(len(answers))] if len(answers) > 1 else [""]
    return Shown(
        one.question,
        one.language or "und",
        direction(one.language),
        [(part, _ending(parts, index, letters)) for index, part in enumerate(parts)],
        list(dict.fromkeys(one.context[start:end] for start, end in one.gold)),
        [
            _verdict(same[0], letter, [titles.get(example.train, example.train) for example in same], len(group))
            for same, letter in zip(answers.values(), letters, strict=True)
        ],
    )


def _ending(parts: list[Segment], index: int, letters: list[str]) -> str:
    """Letters of the answers that cover a part and not the next."""
    after = parts[index + 1].answers if index + 1 < len(parts) else ()
    return "".join(letters[answer] for answer in parts[index].answers if answer not in after)


def _verdict(example: Example, letter: str, readers: list[str], asked: int) -> ExampleVerdict:
    every = "Both readers" if asked == 2 else f"All {asked} readers"
    who = "Predicted" if asked == 1 else every if len(readers) == asked else listed(readers)
    text = example.context[slice(*example.predicted)] if example.predicted else ""
    if example.exact_match >= 1:
        return ExampleVerdict(letter, who, text, "exact", "exact match")
    if example.f1 > 0:
        return ExampleVerdict(letter, who, text, "partial", f"partly right, F1 {100 * example.f1:.0f}")
    return ExampleVerdict(letter, who, text, "wrong", "wrong")
