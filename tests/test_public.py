"""The public names: all there, all documented, and free until used."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import polyspan
from polyspan.model.windows.windows import WindowOptions
from polyspan.score import find
from polyspan.training.settings import Changes, TrainSettings


@pytest.mark.parametrize("name", polyspan.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(polyspan, name)
    assert name in dir(polyspan)
    if callable(value) and not isinstance(value, dict):
        assert inspect.getdoc(value)


def test_unknown_names_raise():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        polyspan.nothing  # noqa: B018


def test_a_corpus_is_shown_in_a_line(corpus):
    assert repr(corpus) == "Corpus('tiny', en, 5 questions on 3 contexts)"


class Same:
    """A metric of one's own: the last word decides."""

    def exact(self, prediction: str, gold: str) -> bool:
        return prediction == gold

    def f1(self, prediction: str, gold: str) -> float:
        return float(prediction.split()[-1:] == gold.split()[-1:])


def test_a_metric_of_one_s_own_is_an_object(corpus):
    gold = {question.id: f"the {question.answers[0].text}" for _, question in corpus.questions()}
    found = polyspan.score(corpus, gold, Same())
    assert (found.metric, found.exact_match, found.f1) == ("Same", 0.0, 100.0)
    squad = find("squad.v1")
    assert polyspan.score(corpus, gold, squad) == polyspan.score(corpus, gold, "squad.v1")
    assert polyspan.score(corpus, gold) == polyspan.score(corpus, gold, "squad.v1")  # the corpus' own
    for wrong, told in (
        (Same, r"Same\(\)"),
        (3, "int has no exact and no f1"),
        (object(), "an object with exact"),
    ):
        with pytest.raises(TypeError, match=told):
            polyspan.score(corpus, gold, wrong)
    many = type("Many", (Same,), {"f1": lambda self, prediction, gold: 50.0})
    with pytest.raises(polyspan.UsageError, match="Many gives an F1 of 50"):
        polyspan.score(corpus, gold, many())


def test_something_else_than_what_is_wanted_is_a_type_error(corpus, tiny, tmp_path):
    reader = polyspan.Reader.load(tiny, WindowOptions(max_length=64, stride=16))
    calls = {
        "the context must be one text": [
            lambda value=value: reader.answer("who", value) for value in (["a"], None, 3)
        ],
        "the question must be one text": [lambda: reader.answer(None, "a"), lambda: reader.answers(["a"], "a")],
        "make.permute takes a Corpus": [lambda: polyspan.make.permute("a sentence")],
        "make.codeswitch takes a Corpus": [lambda: polyspan.make.codeswitch(["a"], "mini:ko", "ko")],
        "make.reorder takes a Corpus": [lambda: polyspan.make.reorder("a", "sov", "conllu:mini")],
        "make.translate takes a Corpus": [lambda: polyspan.make.translate("a", "fr", "dictionary:mini:fr")],
        "make.backtranslate takes a Corpus": [lambda: polyspan.make.backtranslate(1, "fr", "file:a", "file:b")],
        "make.sample takes a Corpus": [lambda: polyspan.make.sample("mini:en/test", 5)],
        "make.part takes a Corpus": [lambda: polyspan.make.part(None)],
        "make.unanswerable takes a Corpus": [lambda: polyspan.make.unanswerable("mini:en/test")],
        "make.mix takes a list of corpora": [lambda: polyspan.make.mix(corpus)],
        "make.mix takes a Corpus": [lambda: polyspan.make.mix(["a", "b"])],
        "train takes a list of corpora": [
            lambda: polyspan.train(corpus, tiny, tmp_path / "r", polyspan.preset("cpu")),
            lambda: polyspan.train("mini:en/train", tiny, tmp_path / "r", polyspan.preset("cpu")),
        ],
        "predict takes a Reader": [lambda: polyspan.predict("reader", corpus)],
        "predict takes a Corpus": [lambda: polyspan.predict(reader, "mini:en/test")],
        "score takes a Corpus": [lambda: polyspan.score("mini:en/test", {}, "squad.v1")],
        "did you mean 'epochs'": [lambda: polyspan.preset("cpu", epoch=3)],
        "epochs is a number, not the text '3'": [lambda: polyspan.preset("cpu", epochs="3")],
    }
    for told, made in calls.items():
        for call in made:
            with pytest.raises(TypeError, match=told) as error:
                call()
            assert len(str(error.value).splitlines()) == 1


def test_what_a_preset_can_change_is_what_there_is():
    names = {field.name for kind in (TrainSettings, WindowOptions) for field in fields(kind)} - {"windows"}
    assert set(Changes.__annotations__) == names


@pytest.mark.parametrize("call", ["polyspan.train", "polyspan.quickstart", "polyspan.pipeline"])
def test_without_torch_it_says_what_to_install(call):
    code = (
        "import sys; sys.modules['torch'] = None\nimport polyspan\n"
        f"try: {call}\nexcept polyspan.PolyspanError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"{call} needs torch, which is not installed" in done.stdout
    assert "pip install torch" in done.stdout


def test_a_reader_of_torch_says_so_without_it(tiny):
    """An exported Reader needs none, so that the name `Reader` is there."""
    code = (
        "import sys; sys.modules['torch'] = None\nimport polyspan\n"
        f"try: polyspan.Reader.load({tiny!r})\nexcept polyspan.PolyspanError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"{tiny} needs torch, which is not installed" in done.stdout


@pytest.mark.parametrize("verb", ["quickstart", "predict --model bundled:reader --data mini:en/test --out x.json"])
def test_a_verb_without_torch_says_what_to_install(verb, tmp_path):
    code = f"import sys; sys.modules['torch'] = None\nsys.argv = ['polyspan', *{verb.split()}]\n"
    code += "from polyspan.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs torch, which is not installed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_type_checker_sees_the_mistakes(tmp_path):
    pytest.importorskip("mypy")
    user = tmp_path / "user.py"
    user.write_text(
        "import polyspan as ps\n"
        "ps.preset('cpu', epochs=3)\n"
        "ps.make.permute(ps.read('mini:en/test'), seed=1).corpus.language\n"
        "ps.preset('cpu', epoch=3)\n"
        "ps.make.permute('a sentence')\n"
        "ps.make.nothing()\n"
        "ps.nothing()\n",
        "utf-8",
    )
    root = Path(__file__).parent.parent  # where `make lint` has checked, so that this need not be done again
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(user)], capture_output=True, text=True, cwd=root, check=False
    )
    assert [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line] == ["4", "5", "6", "7"]


def test_score_is_a_function_and_a_package(corpus):
    gold = {question.id: question.answers[0].text for _, question in corpus.questions()}
    assert polyspan.score(corpus, gold, "squad.v1") == polyspan.score.score(corpus, gold, "squad.v1")


@pytest.mark.parametrize(
    "module", ["polyspan", "polyspan.data", "polyspan.score", "polyspan.score.baseline", "polyspan.report"]
)
def test_imports_without_torch(module):
    code = f"import sys, {module}; assert not {{'torch', 'transformers', 'matplotlib'}} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_reference_has_every_public_name():
    page = (Path(__file__).parent.parent / "docs" / "api.md").read_text("utf-8")
    names = {*polyspan.__all__, *polyspan.make.__all__} - {"make", "score"}
    assert [
        name for name in sorted(names) if not re.search(rf":: (polyspan\.)?(\w+\.)*{name}$|`{name}`", page, re.M)
    ] == []
