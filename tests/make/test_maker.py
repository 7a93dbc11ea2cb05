"""Makers are records: every list of them derives from theirs, and another package adds one."""

import inspect
import re
from pathlib import Path

import pytest
import typer

import polyspan as ps
from polyspan.cli import main as cli
from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.plan.data_facts import drawn_first, facts, resolved
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.make.maker import MAKERS, Maker
from polyspan.make.naming import call
from polyspan.reading import build
from polyspan.report.deviations import Answered, deviations

ROOT = Path(__file__).parents[2]
OWN = {"permute", "codeswitch", "reorder", "translate", "backtranslate", "pair", "sample", "part"} | {
    "apart",
    "common",
    "mend",
    "unanswerable",
}
SHORT = {
    "keep_digits": "permute_digits",
    "tokenizer": "model",
    "fields": "field",
    "forward_engine": "forward",
    "backward_engine": "backward",
}  # on the command line
RECIPE = """\
name: small
model: bundled:e5-small
corpora: {{En: mini:en/train}}
tests: {{Gaps: "{}"}}
readers: {{En: [En]}}
tables: {{table4: {{rows: [En], columns: [Gaps]}}}}
"""


@pytest.fixture
def gaps(tmp_path, monkeypatch):
    """The package of docs/extending/maker.md, as `pip install` leaves it; gives the folder."""
    page = (ROOT / "docs/extending/maker.md").read_text("utf-8")
    files = dict(re.findall(r"^cat > (\S+) <<'END_OF_FILE'\n(.*?)^END_OF_FILE$", page, re.MULTILINE | re.DOTALL))
    (tmp_path / "gaps.py").write_text(files["gaps.py"], "utf-8")
    there = tmp_path / "gaps-1.0.dist-info"
    there.mkdir()
    (there / "METADATA").write_text("Name: gaps\nVersion: 1.0\n", "utf-8")
    group, point, value = re.search(r'entry-points\."(.+)"\]\n(\w+) = "(.+)"', files["pyproject.toml"]).groups()
    (there / "entry_points.txt").write_text(f"[{group}]\n{point} = {value}\n", "utf-8")
    (tmp_path / "words.txt").write_text("the\nof\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    vars(MAKERS).pop("_found", None)
    yield tmp_path
    vars(MAKERS).pop("_found", None)


def test_a_name_stands_for_every_maker():
    assert set(MAKERS) == OWN
    for name, maker in MAKERS.items():
        assert getattr(ps.make, name) is maker.make
        assert call(maker.example).maker == name
        assert next(iter(inspect.signature(maker.make).parameters)) == "corpus"


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_plan_knows_what_is_made(name):
    example = MAKERS[name].example
    made, known = build(example).corpus, facts(example)
    assert (made.language.split("-")[0], made.metric) == (known.language, known.metric)
    assert abs(len(made) - known.questions) <= 5  # articles are not torn


def test_every_maker_is_in_the_docs():
    page = (ROOT / "docs/artificial.md").read_text("utf-8")
    assert [name for name in MAKERS if not re.search(rf"\b{name}\b", page)] == []


@pytest.mark.parametrize("name", sorted(OWN - {"part", "mend"}))
def test_a_verb_has_every_option_of_its_maker(name):
    verb = typer.main.get_command(cli.app).commands["make"].commands[name]
    given = {parameter.name for parameter in verb.params}
    assert {SHORT.get(option, option) for option in MAKERS[name].options} <= given


def test_no_other_file_names_a_maker():
    """A list of makers kept by hand beside the records: two of their names as texts in one file."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        quoted = {name for name in OWN - {"sample", "part"} if f'"{name}"' in path.read_text("utf-8")}
        records = {name for name in quoted if f'Maker(\n    "{name}"' in path.read_text("utf-8")}
        assert len(quoted - records) < 2 or path.parts[-2:] == ("make", "__init__.py"), (path, quoted)


def test_a_maker_must_take_what_its_record_says():
    with pytest.raises(TypeError, match="the maker mine takes no words"):
        Maker("mine", ps.make.permute, "make:mine(mini:en/test)", files=("words",))
    with pytest.raises(TypeError, match="takes no doing"):
        Maker("mine", lambda corpus, seed: corpus, "make:mine(mini:en/test)")


def test_another_package_adds_a_maker(gaps):
    name = "make:gaps(mini:en/test, words=words.txt)"
    made = build(name)
    assert made.counts["gaps"] > 100
    assert not re.search(r"\b(the|of)\b", made.corpus.paragraphs[0].context)
    assert ps.read(f"make:permute({name}, seed=1)").name.startswith("make:permute(make:gaps(mini:en/test")
    with pytest.raises(UsageError, match=r"unknown option of gaps 'word'(?s:.)*'words'"):
        ps.read("make:gaps(mini:en/test, word=words.txt)")
    with pytest.raises(UsageError, match=re.escape(name)):
        ps.read("make:gaps(mini:en/test)")
    with pytest.raises(UsageError, match=r"unknown maker 'gap'(?s:.)*'gaps'"):
        ps.read("make:gap(mini:en/test)")


def test_a_plan_knows_a_maker_of_another_package(gaps):
    name = "make:gaps(mini:en/test, words=words.txt)"
    assert resolved(name) == f"make:gaps(mini:en/test, words={gaps / 'words.txt'})"
    assert (facts(name).language, facts(name).questions) == ("en", 96)
    assert drawn_first(name, 5, 1) is None
    (gaps / "small.yaml").write_text(RECIPE.format(name), "utf-8")
    keys = {}
    for words in ("the\nof\n", "the\n"):
        (gaps / "words.txt").write_text(words, "utf-8")
        keys[words] = plan(read_recipe(gaps / "small.yaml")).stage("test Gaps").key
    assert len(set(keys.values())) == 2
    (gaps / "small.yaml").write_text(RECIPE.format(name.replace("words.txt", "no.txt")), "utf-8")
    with pytest.raises(PolyspanError, match="there is no such file"):
        plan(read_recipe(gaps / "small.yaml"))


def test_a_report_tells_what_makers_worked_with(gaps):
    def test(*cards):
        about = {"questions": 5, "sha256": "x", "root": "mini:en/test", "name": "x"}
        return [Answered("x", (), about | {"card": card}) for card in cards]

    gapped = build("make:gaps(mini:en/test, words=words.txt)").card()
    back = {"maker": "backtranslate", "options": {"forward_engine": "hf:a", "backward_engine": "hf:b"}}
    switched = {"maker": "codeswitch", "options": {"dictionary": {"name": "en-zh.0-5000.txt"}}}
    removed = {"maker": "of a package that is gone", "options": {}}
    assert deviations([], test(gapped, back, switched, removed)) == [
        "Gaps are those of words.txt; the paper has none.",
        "Translated by hf:a and hf:b; the paper used Google Translate.",
    ]
    switched["options"]["dictionary"]["name"] = "mine.txt"
    assert deviations([], test(switched))[0].startswith("Words are mixed in from mine.txt")
