"""What the numbers say, in sentences: computed from the grid, so that they are true of it."""

import statistics
from collections import Counter

from polyspan.report.notation import listed
from polyspan.report.tables.grid import Grid, GridCell, Line
from polyspan.stats.proportion import half_width

_NAMED = 6  # results that one sentence can carry
SURE = 1000
"""Questions from which on the width of the interval needs no note."""


def headline(grid: Grid) -> str:
    """One sentence with the main result, saying which of it is zero-shot."""
    scored = [(row, column, cell) for row, column, cell in grid.all() if cell.f1]
    if not scored:
        return "No scores were computed"
    if len({row.name for row, _, _ in scored}) == 1:
        return _one_reader(scored[0][0], [(column, cell) for _, column, cell in scored])
    zero = [cell for _, _, cell in scored if cell.zero_shot]
    own = [cell for _, _, cell in scored if cell.zero_shot is False]
    readers = _counted(len({row.name for row, _, _ in scored}), "reader")
    if not zero:
        tests = _counted(len({column.name for _, column, _ in scored}), "test set")
        return f"{readers.capitalize()} on {tests}: a mean F1 of {_mean([c for _, _, c in scored])}"
    against = f", against {_mean(own)} in their own" if own else ""
    return f"In languages they were never trained on, {readers} reach a mean F1 of {_mean(zero)}{against}"


def lede(grid: Grid) -> list[str]:
    """The sentences below the headline: what is zero-shot, the best of it, the baselines, the certainty."""
    several = len(grid.rows) > 1
    return list(
        filter(None, [_definition(grid), _best(grid) if several else _own(grid), _against(grid), caution(grid)])
    )


def caution(grid: Grid) -> str:
    """How far chance alone moves the scores, where a test has fewer than 1,000 questions; else ""."""
    widths = [width for _, column, cell in grid.all() if (width := cell_half_width(cell, column)) is not None]
    sizes = [column.n for column in grid.columns if column.n is not None and column.n < SURE]
    if not widths or not sizes:
        return ""
    size = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
    return (
        f"With {size} questions to a test, exact match is certain to within ± {max(widths):.1f} points only "
        "(95 %): small differences mean little."
    )


def cell_half_width(cell: GridCell, column: Line) -> float | None:
    """Half the 95 % interval of a cell's exact match, in points; None where it or the size is not known."""
    if cell.exact_match is None or not column.n:
        return None
    return half_width(cell.exact_match.mean, column.n)


def _one_reader(row: Line, scored: list[tuple[Line, GridCell]]) -> str:
    trained = row.words + (" alone" if len(row.languages) == 1 else "")
    zero = [pair for pair in scored if pair[1].zero_shot]
    if not zero:
        return f"Trained on {trained}, the reader reaches {_results(scored)}"
    never = "a language it was never trained on" if len(zero) == 1 else "languages it was never trained on"
    return f"Trained on {trained}, the reader reaches {_results(zero)} – {never}"


def _results(scored: list[tuple[Line, GridCell]]) -> str:
    """ "F1 41 in Chinese and 39 in Korean", or the mean and the range where there are many."""
    titles = Counter(column.words for column, _ in scored)
    values = [
        (cell.f1.mean, column.words if titles[column.words] == 1 else f"{column.words} ({column.name})")
        for column, cell in scored
        if cell.f1
    ]
    if len(values) <= _NAMED:
        return "F1 " + listed([f"{value:.0f} in {name}" for value, name in values])
    (least, worst), (most, best) = min(values), max(values)
    mean = statistics.fmean(value for value, _ in values)
    return (
        f"a mean F1 of {mean:.0f} on {len(values)} test sets, from {least:.0f} in {worst} to {most:.0f} in {best},"
    )


def _definition(grid: Grid) -> str:
    cells = [cell for _, _, cell in grid.all()]
    zero = sum(cell.zero_shot is True for cell in cells)
    if not zero:
        return (
            "" if any(cell.zero_shot is False for cell in cells) else "Which results are zero-shot is not known."
        )
    which = f"{zero} of {len(cells)} results are zero-shot" if len(cells) > 1 else "This result is zero-shot"
    return f"{which}: no training question is in the language of the test."


def _own(grid: Grid) -> str:
    own = [(column, cell) for _, column, cell in grid.all() if cell.f1 and cell.zero_shot is False]
    zero = any(cell.f1 and cell.zero_shot for _, _, cell in grid.all())
    return f"For comparison, where it was trained: {_results(own)}." if own and zero else ""


def _best(grid: Grid) -> str:
    zero = [(cell.f1.mean, row, column) for row, column, cell in grid.all() if cell.f1 and cell.zero_shot]
    if not zero:
        return ""
    value, row, column = max(zero, key=lambda found: found[0])
    where = column.words if column.words == column.name else f"{column.words} ({column.name})"
    return f"The best transfer, from {row.title} to {where}, reaches F1 {value:.0f}."


def _against(grid: Grid) -> str:
    gains = [(row, column, cell.gain) for row, column, cell in grid.all() if cell.gain is not None]
    if not gains:
        return ""
    above = [gain for _, _, gain in gains if gain > 0]
    names = list(dict.fromkeys(line.name for line in grid.baselines))
    which = (
        f"the {names[0]}"
        if len(names) == 1
        else "the better of two baselines, a lexical one and the untrained head"
    )
    if not above:
        return f"Nowhere is F1 above {which}."
    points = f"{min(above):.1f} to {max(above):.1f}" if len(above) > 1 else f"{above[0]:.1f}"
    if len(above) == len(gains):
        return f"F1 is everywhere above {which}, by {points} points."
    below = [f"{row.title} to {column.title}" for row, column, gain in gains if gain <= 0]
    named = f", all but {listed(below)}" if len(below) <= 3 else ""
    return f"F1 is above {which}, in {len(above)} of {len(gains)} results{named}."


def _mean(cells: list[GridCell]) -> str:
    return f"{statistics.fmean(cell.f1.mean for cell in cells if cell.f1):.0f}"


def _counted(number: int, noun: str) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    word = words[number] if number < len(words) else f"{number:,}"
    return f"{word} {noun}" + ("" if number == 1 else "s")
