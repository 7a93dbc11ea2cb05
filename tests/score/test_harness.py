"""Tasks for lm-evaluation-harness: the YAML is what it reads, and the rule beside it is ours."""

import importlib.util
import json
from pathlib import Path

import pytest
import yaml

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import UsageError
from polyspan.score.harness import export_task, judged, on_hub


class _Loader(yaml.SafeLoader):
    """The harness' reading of YAML: `!function module.name` is a function of a module beside the file."""


_Loader.add_constructor("!function", lambda loader, node: ("function", loader.construct_scalar(node)))


def _read(folder, task):
    content = yaml.load((folder / f"{task}.yaml").read_text("utf-8"), Loader=_Loader)
    spec = importlib.util.spec_from_file_location(task, folder / f"{task}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return content, module


def test_a_split_of_the_hub_is_named_at_its_revision(tmp_path):
    written = export_task("xquad:zh", tmp_path)
    assert (written.task, written.metric, written.files) == (
        "polyspan_xquad_zh", "drcd.v1", ("polyspan_xquad_zh.yaml", "polyspan_xquad_zh.py"))  # fmt: skip
    content, module = _read(tmp_path, written.task)
    assert (content["dataset_path"], content["dataset_name"], content["test_split"]) == (
        "google/xquad", "xquad.zh", "validation")  # fmt: skip
    assert content["dataset_kwargs"] == {"revision": "51adfef1c1287aab1d2d91b5bead9bcfb9c68583"}
    assert content["process_results"] == ("function", "polyspan_xquad_zh.process_results")
    assert content["doc_to_text"] == "文章: {{context}}\n\n问题: {{question}}\n\n答案:"
    assert [one["metric"] for one in content["metric_list"]] == ["exact_match", "f1"]
    doc = {"answers": {"text": ["308", "309"]}}
    assert module.process_results(doc, [" 308 "]) == {"exact_match": 100.0, "f1": 100.0}
    assert module.process_results(doc, ["分数30"])["f1"] == pytest.approx(100 * 2 * 2 / 7)  # by characters


def test_a_part_of_a_split_is_chosen_by_its_ids(tmp_path):
    content, module = _read(tmp_path, export_task("tydiqa-goldp:ko/dev", tmp_path).task)
    assert content["process_docs"] == ("function", f"{content['task']}.process_docs")

    class Docs(list):
        def filter(self, wanted):
            return Docs(filter(wanted, self))

    assert module.process_docs(Docs([{"id": "korean-1"}, {"id": "arabic-1"}])) == [{"id": "korean-1"}]


def test_questions_of_one_s_own_are_written_beside(tmp_path):
    asked = (Question("a", "who", (Answer("hull", 0),)), Question("b", "when", (), True))
    corpus = Corpus((Paragraph("hull won", asked),), "my own.v2", "en", "squad.v1")
    written = export_task(corpus, tmp_path)
    assert written.metric == "squad.v2"  # one of them is unanswerable
    content, module = _read(tmp_path, written.task)
    assert (content["dataset_path"], content["test_split"]) == ("json", "test")
    (path,) = content["dataset_kwargs"]["data_files"].values()
    rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["a", "b"]
    assert module.process_results(rows[0], ["Hull."])["f1"] == 100
    assert module.process_results(rows[1], [""])["exact_match"] == 100
    assert module.process_results(rows[1], ["hull"])["exact_match"] == 0


def test_no_answer_is_right_where_there_is_none_under_every_rule():
    assert judged("", [], "drcd.v1") == {"exact_match": 100.0, "f1": 100.0}
    assert judged("x", [], "drcd.v1") == {"exact_match": 0.0, "f1": 0.0}
    assert judged("the", [], "squad.v2")["f1"] == 100  # articles are left out


def test_what_cannot_be_a_task_is_refused(tmp_path):
    assert not on_hub("mini:ko/test")
    with pytest.raises(UsageError, match="a task by its name alone"):
        export_task("mini:ko/test", tmp_path)
    with pytest.raises(UsageError, match="unknown metric"):
        export_task("xquad:zh", tmp_path, metric="drcd")
    assert not list(tmp_path.iterdir())
