"""Tables and texts in Markdown and LaTeX."""

import re
from collections.abc import Sequence

_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{char: "\\" + char for char in "&%$#_{}"}, **{char: f"${char}$" for char in "<>|"},
    "±": r"$\pm$", "−": "$-$", "Δ": r"$\Delta$", "–": "--",
}  # fmt: skip
_BREAKS = re.compile(r"\s+")


def latex(text: str) -> str:
    """Text in one line, with LaTeX's special characters escaped."""
    return "".join(_LATEX.get(char, char) for char in _BREAKS.sub(" ", text))


def markdown(text: str) -> str:
    """Text in one line, with Markdown's special characters escaped."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", _BREAKS.sub(" ", text))


def pipe_table(lines: Sequence[Sequence[str]], rule: str = "---:") -> str:
    """A Markdown table of cells that are markup already, the first line its head; numbers to the right."""
    rules = ["---", *(rule for _ in lines[0][1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rules, *lines[1:]))


def row(*cells: str) -> str:
    """A row of a LaTeX table, of cells that are markup already."""
    return f"{' & '.join(cells)} \\\\"


def booktabs(caption: str, label: str, numbers: int, head: Sequence[str], body: Sequence[str]) -> str:
    """A LaTeX `table` of a column of names and so many of numbers; all that is given is markup already."""
    lines = ["\\toprule", *head, "\\midrule", *body, "\\bottomrule"]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{caption}}}",
            f"  \\label{{tab:{label}}}",
            f"  \\begin{{tabular}}{{l{'r' * numbers}}}",
            *(f"    {line}" for line in lines),
            "  \\end{tabular}",
            "\\end{table}",
            "",
        ]
    )
