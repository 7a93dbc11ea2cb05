"""The comparison of full fine-tuning, the preset `cpu` and LoRA: its rows, its table, and what is not redone."""

from pathlib import Path

import pytest

from polyspan.bench import fine_tuning
from polyspan.bench.fine_tuning import EqualTime, fine_tuning_table, measured, timed, trained
from polyspan.errors import UsageError
from polyspan.files import csv_rows

DOCS = Path(__file__).parents[2] / "docs"
WINDOWS = {"max_length": 64, "stride": 16, "max_question_length": 16}


@pytest.fixture
def asked(tiny):
    """Half a second on the mini corpus."""
    return EqualTime(0.5, 4, tiny, "mini:en/train", ("mini:en/test", "mini:fr/test"), WINDOWS)


@pytest.fixture
def alone(monkeypatch):
    """Work is done in this process, and listed."""
    done = []

    def call(work, *given):
        done.append((work.__name__, *given[1:]))
        return work(*given)

    monkeypatch.setattr(fine_tuning, "_alone", call)
    return done


def test_a_row_is_a_training_and_its_answers(asked):
    rows = {way: trained(asked, way, 42, 300) for way in ("full", "cpu", "lora-8")}
    assert timed(asked, "cpu")["rate"] > 0
    assert rows["full"]["trained"] > rows["cpu"]["trained"] > 0
    assert rows["lora-8"]["folder_mb"] < rows["cpu"]["folder_mb"]
    for row in rows.values():
        assert (row["questions"], row["n_mini:fr/test"]) == (300, 4)
        assert row["steps"] >= 288 / 8
        assert row["peak_mb"] > 100
        assert row["settings"] == "max_length=64 max_question_length=16 stride=16"


def test_what_is_done_is_not_done_again(asked, alone, tmp_path):
    file = tmp_path / "lora.csv"
    first = measured(asked, ["cpu"], [1], file)
    assert [work for work, *_ in alone] == ["timed", "trained"]
    more = measured(asked, ["cpu", "lora-8"], [1, 2], file)
    assert [(work, way) for work, way, *_ in alone[2:]] == [
        ("timed", "lora-8"),
        ("trained", "lora-8"),
        ("trained", "cpu"),
        ("trained", "lora-8"),
    ]
    assert more[0] == first[0]
    assert len({row["questions"] for row in more if row["way"] == "cpu"}) == 1
    table = fine_tuning_table(more)
    assert table.startswith("|  | numbers trained | questions | windows/s |")
    assert "seeds 1, 2; 4 questions of each test" in table
    with pytest.raises(UsageError, match="another comparison"):
        measured(EqualTime(1.0, 4, asked.model, asked.data, asked.tests, WINDOWS), ["cpu"], [1], file)


def test_the_command_puts_the_table_into_a_page(asked, alone, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("above\n\n<!-- fine-tuning -->\nold\n<!-- end of fine-tuning -->\n\nbelow\n", "utf-8")
    given = ["--seconds", "0.5", "--questions", "4", "--model", asked.model, "--data", asked.data, "--seed", "1"]
    given += [word for test in asked.tests for word in ("--test", test)]
    given += [word for name, value in WINDOWS.items() for word in ("--set", f"{name}={value}")]
    fine_tuning.main([str(tmp_path), "--way", "cpu", "--page", str(page), *given])
    table = fine_tuning_table(csv_rows(tmp_path / "lora.csv"))
    assert table in capsys.readouterr().out
    shown = f"<!-- fine-tuning -->\n\n{table}\n<!-- end of fine-tuning -->"
    assert page.read_text("utf-8") == f"above\n\n{shown}\n\nbelow\n"


@pytest.mark.slow
def test_a_process_of_its_own(asked):
    assert fine_tuning._alone(timed, asked, "cpu")["rate"] > 0


def test_the_page_has_a_place_for_the_table_and_shows_the_file():
    page = (DOCS / "training.md").read_text("utf-8")
    assert "<!-- fine-tuning -->\n" in page
    assert "<!-- end of fine-tuning -->" in page
    if (file := DOCS / "training" / "lora.csv").is_file():
        assert fine_tuning_table(csv_rows(file)) in page
