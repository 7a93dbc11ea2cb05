"""Contexts cut for showing, and answers grouped by what was answered."""

from pathlib import Path

import reports
from hypothesis import given
from hypothesis import strategies as st

from polyspan.report.page.examples import shown_examples
from polyspan.report.page.spans import segments
from polyspan.report.record.record import read_record
from polyspan.report.tables.grid import make_grid


def test_overlap_is_cut_into_segments() -> None:
    parts = segments("abcdefgh", [(1, 4)], [(3, 6)])
    assert [(part.text, part.gold, part.answers) for part in parts] == [
        ("a", False, ()),
        ("bc", True, ()),
        ("d", True, (0,)),
        ("ef", False, (0,)),
        ("gh", False, ()),
    ]


def test_long_contexts_are_trimmed_at_words() -> None:
    context = "word " * 200 + "GOLD" + " word" * 200
    parts = segments(context, [(1000, 1004)], [])
    assert [part.cut for part in parts] == [True, False, False, False, True]
    assert parts[1].text.startswith("word")
    assert parts[3].text.endswith("word")
    assert sum(len(part.text) for part in parts) < 300


def test_far_spans_leave_a_gap() -> None:
    parts = segments("x" * 3000, [(10, 20)], [(2900, 2910)])
    assert [part.text for part in parts if part.cut] == ["…"]
    assert not parts[0].cut
    assert not parts[-1].cut


def test_no_span_shows_the_beginning() -> None:
    parts = segments("y" * 2000, [], [None])
    assert len(parts[0].text) > 300
    assert parts[-1].cut


_PLACES = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 60)), max_size=4)


@given(st.text(alphabet="ab 語", max_size=1500), _PLACES, _PLACES)
def test_spans_are_shown_whole(
    context: str, gold: list[tuple[int, int]], predicted: list[tuple[int, int]]
) -> None:
    def within(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
        starts = [(min(start, len(context)), length) for start, length in places]
        return [(start, min(start + length, len(context))) for start, length in starts]

    golds, answers = within(gold), within(predicted)
    parts = segments(context, golds, answers)
    for index, (start, end) in enumerate(answers):
        assert "".join(part.text for part in parts if index in part.answers) == context[start:end]
    covered = {place for start, end in golds for place in range(start, end)}
    assert sum(len(part.text) for part in parts if part.gold) == len(covered)
    if len(context) <= 600:
        assert "".join(part.text for part in parts) == context


def test_readers_that_agree_stand_together(tmp_path: Path) -> None:
    record = read_record(reports.save(tmp_path, reports.make(reports.FOUR, reports.SEVEN)) / "report.json")
    shown = shown_examples(record, make_grid(record))
    assert [line.name for line, _ in shown] == [name for name, _ in reports.SEVEN]
    everyone, some, _ = shown[0][1]
    assert [(verdict.readers, verdict.letter, verdict.kind) for verdict in everyone.verdicts] == [
        ("All 4 readers", "", "exact")
    ]
    assert [(verdict.readers, verdict.letter, verdict.words) for verdict in some.verdicts] == [
        ("English", "a", "partly right, F1 50"),
        ("Chinese (Traditional), Korean and Japanese", "b", "exact match"),
    ]
    assert "".join(letters for _, letters in some.parts) == "ba"
