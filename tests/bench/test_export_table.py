"""The table of the export's gate: made way by way, not made twice, and shown on its page."""

from pathlib import Path

import pytest

from polyspan.bench import export_table
from polyspan.errors import UsageError
from polyspan.files import csv_rows

DOCS = Path(__file__).parents[2] / "docs"


class Counted:
    """Ways that are asked for are listed, and answer in two languages."""

    def __init__(self, name):
        self.name, self.asked = name, []

    def rows(self, way):
        self.asked.append(way)
        whole = {"reader": self.name, "way": way, "megabytes": 472, "max_logit_difference": "2.4e-05"}
        figures = {"em": 50.0, "f1": 62.1, "em_exported": 50.0, "f1_exported": 61.0, "same": 96.9}
        passed = {"passed": way == "float32"}
        return [whole | passed | {"language": one, "n": 96} | figures for one in ("en", "zh-Hant")]


def test_a_way_is_measured_once(tmp_path):
    ways, file = Counted("reader"), tmp_path / "gate.csv"
    export_table.measured(ways, ["--int8"], file)
    rows = export_table.measured(ways, ["float32", "--int8"], file)
    assert ways.asked == ["--int8", "float32"]
    table = export_table.export_table(rows)
    lines = table.splitlines()
    assert lines[2] == "| torch |  |  | 50.0 / 62.1 | 50.0 / 62.1 |  |"
    assert lines[3] == "| float32 | 472 | 2.4e-05 | 50.0 / 61.0, 97 % | 50.0 / 61.0, 97 % | passed |"
    assert lines[4].startswith("| `--int8` |")
    assert lines[4].endswith("| refused |")
    assert "`reader`; 96 questions a language" in table
    with pytest.raises(UsageError, match="another Reader"):
        export_table.measured(Counted("other"), ["float32"], file)


@pytest.mark.slow
def test_rows_of_a_reader(save_encoder, tmp_path):
    import polyspan as ps

    pytest.importorskip("onnxscript")
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    encoder = save_encoder("Bert", "wordpiece", size | {"max_position_embeddings": 128}, tmp_path / "encoder")
    windows = ps.WindowOptions(max_length=128, stride=32, max_question_length=32)
    ps.Reader.load(encoder, windows, seed=3).save(tmp_path / "reader")
    (row,) = export_table.Ways(str(tmp_path / "reader"), ["ko"]).rows("float32")
    assert (row["language"], row["n"], row["same"], row["passed"]) == ("ko", 96, 100.0, True)


def test_the_page_has_a_place_for_the_table_and_shows_the_file():
    page = (DOCS / "export.md").read_text("utf-8")
    assert "<!-- gate -->\n" in page
    assert "<!-- end of gate -->" in page
    if (file := DOCS / "export" / "gate.csv").is_file():
        assert export_table.export_table(csv_rows(file)) in page
