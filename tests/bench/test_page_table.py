"""A table is put into its own place of a page, and nothing else is changed."""

import pytest

from polyspan.bench.page_table import show, table
from polyspan.errors import PolyspanError


def test_a_page_gets_the_new_table_in_its_place(tmp_path, capsys):
    page = tmp_path / "page.md"
    other = "<!-- other -->\n\n| 1 |\n\n<!-- end of other -->"
    page.write_text(f"above\n\n<!-- mine -->\nold\n<!-- end of mine -->\n\n{other}\nbelow\n", "utf-8")
    text = table(["a", "b"], [["\\1", "2"]], 1)
    assert text == "| a | b |\n| --- | ---: |\n| \\1 | 2 |\n"
    show(text, page, "mine")
    assert text in capsys.readouterr().out
    shown = f"<!-- mine -->\n\n{text}\n<!-- end of mine -->"
    assert page.read_text("utf-8") == f"above\n\n{shown}\n\n{other}\nbelow\n"
    with pytest.raises(PolyspanError, match="no place for the table"):
        show(text, page, "third")
