"""A measurement's table in Markdown, and its place in a page of the docs."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from polyspan.errors import PolyspanError
from polyspan.files import write_text


def table(head: Sequence[str], body: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Rows under a head; the last `numbers` columns stand to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *body))


def show(text: str, page: Path | None, name: str) -> None:
    """Print a table with what is said below it, and put it between `<!-- name -->` and `<!-- end of name -->`.

    Raises PolyspanError where the page has no such place.
    """
    print(text)
    if page is None:
        return
    place = re.compile(f"(?<=<!-- {re.escape(name)} -->\n).*?(?=<!-- end of {re.escape(name)} -->)", re.DOTALL)
    changed, places = place.subn(lambda _: f"\n{text}\n", page.read_text("utf-8"), count=1)
    if not places:
        found = f"no <!-- {name} --> with an <!-- end of {name} --> below it"
        raise PolyspanError("the page has no place for the table", where=str(page), found=found)
    write_text(page, changed)
