"""Recipes as files: includes, changes, sweeps and scale; every fault with file, line and the nearest key."""

import contextlib
from dataclasses import dataclass, fields
from inspect import signature
from pathlib import Path
from typing import Literal, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.align import METHODS, Aligner
from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.document import MOST_BYTES, parse
from polyspan.lab.recipe.fields import ENCODERS, checked, of_aligner
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.recipe.resolve import resolve
from polyspan.lab.recipe.shipped import shipped

ALL = shipped()

SMALL = """\
name: small
model: bundled:e5-small
preset: cpu
corpora:
  En: mini:en/train
tests:
  En: mini:en/test
  Zh: mini:zh/test
readers:
  En: [En]
tables:
  table2: {rows: [En], columns: [En, Zh]}
"""


@pytest.fixture
def write(tmp_path):
    """Write a recipe, as small.yaml unless told, and return its path."""

    def call(text: str, name: str = "small.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return call


@pytest.fixture
def fault(write):
    """The fault of a recipe's text."""

    def call(text: str, *changes: str) -> PolyspanError:
        with pytest.raises(PolyspanError) as caught:
            resolve(read_recipe(write(text), changes))
        return caught.value

    return call


@pytest.mark.parametrize("name", ALL)
def test_every_recipe_is_one(name):
    recipe = read_recipe(name)
    folder, _, stem = name.rpartition("/")
    assert recipe.name == (folder if name in ("hsu2019/paper", "mini/paper", "public/paper") else stem)
    assert recipe.title
    assert set(recipe.drawn()) <= set(recipe.drawable())
    assert not any("/work" in one.data or "shared" in one.data for one in recipe.corpora.values())


def test_the_paper_s_own_are_all_there():
    names = [f"table{number}" for number in range(1, 8)] + [f"figure{number}" for number in range(1, 4)]
    found = {name.partition("/")[2] for name in ALL if name.startswith("hsu2019/")}
    assert found == {*names, "anova", "claims", "paper"}


def test_a_recipe_goes_by_its_name_or_its_path(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("quickstart").mkdir()  # a folder of this name is no recipe
    assert read_recipe("quickstart") == read_recipe(ALL["quickstart"])
    Path("quickstart").rmdir()
    Path("quickstart").write_text(SMALL, "utf-8")
    assert read_recipe("quickstart").name == "small"


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(PolyspanError, match="there is no recipe") as caught:
        read_recipe("hsu2019/tabel2")
    assert caught.value.fix == "did you mean 'hsu2019/table2'?"


def test_variables_are_of_the_environment(write, monkeypatch):
    monkeypatch.setenv("PLACE", "/some/where")
    text = SMALL.replace("En: mini:en/train", 'En: "make:sample(${PLACE}/a.json, size=2)"')
    text = text.replace("mini:zh/test", "${PLACE}/b.json").replace(
        "  En: [En]", '  "En": {data: En, model: "${PLACE}/m"}'
    )
    recipe = read_recipe(write(text))
    made = resolve(recipe)
    assert made.corpora["En"].data == "make:sample(/some/where/a.json, size=2)"
    assert (made.tests["Zh"].data, made.readers["En"].model) == ("/some/where/b.json", "/some/where/m")
    assert recipe.tests["Zh"].data == "${PLACE}/b.json"  # as it was written: what a report keeps
    monkeypatch.delenv("PLACE")
    with pytest.raises(PolyspanError, match="the variable PLACE is not set") as caught:
        resolve(recipe)
    assert caught.value.where.endswith("small.yaml:5")


def test_variables_of_its_own_come_first(fault, write, monkeypatch):
    monkeypatch.setenv("PLACE", "/some/where")
    own = "variables:\n  FEW: make:sample(${FILE}, size=2)\n  FILE: ${PLACE}/a.json\n"
    late = SMALL.replace("corpora:", own + "corpora:").replace("En: mini:en/train", "En: ${FEW}")
    found = fault(late)
    assert (found.message, found.where[-12:]) == ("the variable FILE is not set", "small.yaml:5")
    early = "  PLACE: /elsewhere\n  FILE: ${PLACE}/b.json\n  SIZE: 2\n  FEW: make:sample(${FILE}, size=${SIZE})\n"
    text = SMALL.replace("corpora:", f"variables:\n{early}corpora:").replace("En: mini:en/train", "En: ${FEW}")
    assert resolve(read_recipe(write(text))).corpora["En"].data == "make:sample(/elsewhere/b.json, size=2)"
    odd = fault(text.replace("  PLACE:", "  my place:"))
    assert odd.message.startswith("variables.my place")


def test_short_forms_mean_the_long_ones(write):
    recipe = read_recipe(write(SMALL))
    assert recipe.corpora["En"].data == "mini:en/train"
    assert recipe.readers["En"].data == ["En"]
    assert recipe.tables["table2"].columns == {"En": "En", "Zh": "Zh"}
    assert recipe.where("corpora", "En", "data").endswith("small.yaml:5")


@pytest.mark.parametrize(
    ("line", "with_", "number", "near"),
    [
        ("preset: cpu", "prest: cpu", 3, "preset"),
        ("  En: mini:en/train", "  En: {dta: mini:en/train}", 5, "data"),
        ("  En: [En]", "  En: {data: [En], settings: {learning_rat: 1e-4}}", 10, "learning_rate"),
        ("  En: [En]", "  En: {data: [En], align: {methd: muse, layer: 1, source: En, target: En}}", 10, "method"),
        ("rows: [En]", "rows: [En], colums: [En]", 12, "columns"),
        ("preset: cpu", "scale: {limt: 3}", 3, "limit"),
    ],
)
def test_an_unknown_key_is_told_with_line_and_nearest(fault, line, with_, number, near):
    found = fault(SMALL.replace(line, with_))
    assert found.message.startswith("unknown key")
    assert found.where.endswith(f"small.yaml:{number}")
    assert found.fix == f"did you mean {near!r}?"
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "this is no recipe"),
        ("- 1\n", "this is no recipe"),
        ("name: [1\n", "this is not YAML"),
        ("name: a\nname: b\n", "the key 'name' stands twice"),
        ("name: !!python/object:os.system x\n", "this is not YAML"),
        ("name: &a [*a]\n", "the YAML's aliases make it endless"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)),
            "the YAML's aliases make it endless"),
        ("name: 2020-99-99\n", "the YAML holds a value that is none"),
        ("? [a]\n: b\n", "a key must be one word"),
        ("x: " + "[" * 5000, "this is not YAML"),
        ("name: x\n", "the recipe lacks 'model'"),
        ("name: x\nmodel: y\n", "the recipe draws nothing"),
        ("name: x\nmodel: [1]\n", "model cannot be so"),
    ],
)  # fmt: skip
def test_what_is_no_recipe(write, text, expected):
    with pytest.raises(PolyspanError) as caught:
        read_recipe(write(text)).drawn()
    assert caught.value.message.startswith(expected), str(caught.value)
    assert "small.yaml" in caught.value.where


def test_a_file_that_is_too_large_or_not_text(write, tmp_path):
    with pytest.raises(PolyspanError, match="too large"):
        read_recipe(write("#" * (MOST_BYTES + 1)))
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(PolyspanError, match="not UTF-8"):
        read_recipe(path)
    with pytest.raises(PolyspanError, match="no recipe"):
        read_recipe(tmp_path)


def test_the_second_of_two_keys_is_named_with_its_line(fault):
    found = fault(SMALL + "preset: readme\n")
    assert found.where.endswith("small.yaml:13")
    assert found.found.endswith("small.yaml:3")


def test_anchors_and_merges(write):
    text = SMALL + "probes:\n  a: &a {kind: cosine, readers: {En: [En, Zh]}}\n  b: {<<: *a, kind: cka}\n"
    recipe = read_recipe(write(text))
    assert recipe.probes["b"].kind == "cka"
    assert recipe.probes["b"].readers == recipe.probes["a"].readers


def test_include_lays_one_recipe_over_another(write):
    write(SMALL, "base.yaml")
    text = "include: base.yaml\nname: other\ncorpora:\n  En: {limit: 5}\ntables: {table2: {rows: {a: En}}}\n"
    recipe = read_recipe(write(text))
    assert (recipe.name, recipe.model) == ("other", "bundled:e5-small")
    assert (recipe.corpora["En"].data, recipe.corpora["En"].limit) == ("mini:en/train", 5)
    assert recipe.tables["table2"].rows == {"a": "En"}, "rows are replaced as a whole"
    assert recipe.where("corpora", "En", "data").endswith("base.yaml:5")
    assert recipe.where("corpora", "En", "limit").endswith("small.yaml:4")


def test_what_is_fitted_on_is_replaced_as_a_whole():
    """A recipe whose readers must not see a test takes none of the fits that it includes."""
    confidence = read_recipe(ALL["public/abstain-squad-2"]).statistics.confidence
    assert confidence is not None
    assert list(confidence.fit) == ["SQuAD-2", "Chinese", "Korean", "Japanese"]


def test_recipes_that_include_each_other(write):
    write("include: small.yaml\n", "other.yaml")
    with pytest.raises(PolyspanError, match="circle") as caught:
        read_recipe(write("include: other.yaml\nname: x\n"))
    assert caught.value.found == "small.yaml → other.yaml → small.yaml"


def test_set_changes_values(write):
    changes = ("seeds=[1, 2]", "corpora.En.data=mini:fr/train", "settings.learning_rate=1e-4", "scale.limit=")
    recipe = read_recipe(write(SMALL), changes)
    assert recipe.seeds == [1, 2]
    assert recipe.corpora["En"].data == "mini:fr/train"
    assert recipe.settings == {"learning_rate": 1e-4}
    assert recipe.scale.limit is None
    assert recipe.where("corpora", "En", "data") == "--set corpora.En.data=mini:fr/train"
    assert read_recipe(write(SMALL), ["readers.En=[En]", "draw=table2", "seeds=7"]).seeds == [7]


@pytest.mark.parametrize(
    ("change", "message", "fix"),
    [
        ("scale.limt=1", "there is no 'scale.limt' to set", "did you mean 'limit'?"),
        ("corpora.Em.data=x", "there is no 'corpora.Em' to set", "did you mean 'En'?"),
        ("sede=1", "there is no 'sede' to set", "did you mean 'seeds'?"),
        ("seeds", "cannot read a change", ""),
        ("seeds.0=1", "seeds has nothing in it", ""),
        ("include=x", "include cannot be changed", "write a recipe that includes this one"),
        ("settings.learning_rat=1", "unknown key 'learning_rat'", "did you mean 'learning_rate'?"),
        ("seeds=[a]", "seeds cannot be so", ""),
    ],
)
def test_set_refuses_what_is_not_there(fault, change, message, fix):
    found = fault(SMALL, change)
    assert found.message == message or found.message.startswith(message)
    assert found.fix == fix
    assert isinstance(found, UsageError)


def test_lists_sweep(write):
    text = SMALL.replace(
        "  En: [En]\n",
        "  En: [En]\n  GAN-layer: {data: [En], adversary: {layer: [8, 11], data: [En]}}\n"
        "  Map: {data: [En], align: {method: [muse, vecmap], layer: [4, 8], source: En, target: En}}\n"
        "  rate: {data: [En], settings: {learning_rate: [1e-4, 2e-4], freeze: [a, b]}}\n"
        "  frozen: {data: [En], settings: {freeze_layers: [0, 8, 0.5]}}\n",
    ).replace("rows: [En]", "rows: [En, GAN-layer]")  # fmt: skip
    recipe = resolve(read_recipe(write(text)))
    assert list(recipe.readers) == [
        *("En", "GAN-layer-8", "GAN-layer-11"),
        *("Map-muse-4", "Map-muse-8", "Map-vecmap-4", "Map-vecmap-8", "rate-0_0001", "rate-0_0002"),
        *("frozen-0", "frozen-8", "frozen-0_5"),
    ]
    assert recipe.readers["Map-vecmap-4"].align.layer == 4
    assert recipe.readers["rate-0_0002"].settings == {"learning_rate": 2e-4, "freeze": ["a", "b"]}
    assert list(recipe.tables["table2"].rows) == ["En", "GAN-layer-8", "GAN-layer-11"]


def test_scale_takes_the_place_of_everything(write):
    recipe = read_recipe(
        "hsu2019/paper",
        ["scale={limit: 1000, test_limit: 50, model: bundled:e5-small, preset: cpu, epochs: 1, seeds: 7}"],
    )
    small = resolve(recipe)
    assert {one.model for one in small.readers.values()} == {"bundled:e5-small", "QANet", "English-BERT"}
    assert small.encoders["English-BERT"].model == "bundled:e5-small"
    assert {one.preset for label, one in small.readers.items() if label != "QANet"} == {"cpu"}
    assert small.readers["QANet"].preset == "qanet"
    assert {one.settings["epochs"] for one in small.readers.values()} == {1.0}
    assert {tuple(one.seeds) for one in small.readers.values()} == {(7,)}
    assert {one.limit for label, one in small.corpora.items() if label != "En-small"} == {1000}
    assert {one.limit for one in small.tests.values()} == {50}


def test_a_whole_section_is_set_in_short(write):
    recipe = read_recipe(write(SMALL), ["readers={En: [En], Zh: [En]}"])
    assert [reader.data for reader in recipe.readers.values()] == [["En"], ["En"]]
    with pytest.raises(UsageError) as caught:
        plan(read_recipe(write(SMALL), ["readers={En: [Em]}"]))
    assert caught.value.where == "--set readers={En: [Em]}"


def test_labels_that_would_be_one_file(fault):
    assert fault(SMALL.replace("  Zh:", "  EN:")).message == "two tests with names alike"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("align: {method: musee, layer: 1, source: En, target: En}", "unknown alignment method 'musee'"),
        ("align: {method: muse, layer: 1, source: En, target: En, options: {epoch: 1}}", "unknown option 'epoch'"),
        ("align: {method: muse, layer: 1, source: En, target: En, options: {epochs: x}}", "the option 'epochs'"),
    ],
)
def test_aligners_and_their_options(fault, part, message):
    found = fault(SMALL.replace("  En: [En]", f"  En: {{data: [En], {part}}}"))
    assert found.message.startswith(message)
    assert found.where.endswith("small.yaml:10")


def test_what_a_recipe_may_say_of_aligners_is_what_they_take():
    for name, method in METHODS.items():
        assert dict(of_aligner(name)) == {
            field.name: {"int": int, "float": float, "bool": bool}.get(str(field.type), field.type)
            for field in fields(method)
        }


def test_makers_of_encoders_are_the_functions():
    from polyspan.lab.work.encoder import _WAYS
    from polyspan.model.vocabulary import cooccurrence, graft, qanet_words, trim

    made = {
        "graft": graft.graft,
        "qanet": qanet_words.make_qanet,
        "trim": trim.trim,
        "vectors": cooccurrence.corpus_vectors,
    }
    assert set(ENCODERS) == set(_WAYS) == set(made)
    elsewhere = {"model", "vectors", "out", "corpora", "languages", "seed", "doing"}
    for how, function in made.items():
        hints = get_type_hints(function)
        assert set(ENCODERS[how]) == set(signature(function).parameters) - elsewhere, how
        assert all(kind in (hints[name], *get_args(hints[name])) for name, kind in ENCODERS[how].items())


def test_an_aligner_may_take_options_of_any_plain_type():
    @dataclass(frozen=True)
    class Fresh(Aligner):
        most: int | None = None
        way: Literal["a", "b"] = "a"
        layers: tuple[int, ...] = ()

    known = Fresh.options()
    assert checked(known, {"most": None, "way": "b", "layers": [1]}) == {
        "most": None,
        "way": "b",
        "layers": [1],
    }
    assert checked(known, {"most": 3}) == {"most": 3}
    with pytest.raises(ValueError, match="integer"):
        checked(known, {"most": "many"})


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES)
def test_values_come_through_yaml_with_a_place_each(value):
    import yaml

    text = yaml.safe_dump(value, allow_unicode=True)
    found, places = parse(text, "x.yaml")
    assert found == value
    assert all(place.startswith("x.yaml:") for place in places.values())
    assert () in places or value is None


@given(st.dictionaries(st.sampled_from([*Recipe.model_fields, "x"]), _VALUES, max_size=6))
def test_no_recipe_ends_in_a_traceback(tmp_path_factory, content):
    import yaml

    path = tmp_path_factory.mktemp("any") / "x.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with contextlib.suppress(PolyspanError):
        resolve(read_recipe(path)).drawn()


def test_languages_are_read_by_any_tag(write):
    text = SMALL.replace("  Zh: mini:zh/test", "  Zh: {data: mini:zh/test, language: zh_TW}")
    text = text.replace(
        "  En: mini:en/train", "  En: {data: mini:en/train, language: no}"
    )  # YAML's word for false
    recipe = read_recipe(write(text))
    assert recipe.tests["Zh"].language == "zh-TW"
    assert recipe.corpora["En"].language == "no"
    assert read_recipe(write(SMALL), ["tests.Zh.language=jpn"]).tests["Zh"].language == "ja"


@pytest.mark.parametrize(("language", "near"), [("klingon", "tlh"), ("French", "fr"), ("''", "ISO 639")])
def test_what_is_no_language_is_told_with_its_line(fault, language, near):
    found = fault(SMALL.replace("  Zh: mini:zh/test", f"  Zh: {{data: mini:zh/test, language: {language}}}"))
    assert found.message == "tests.Zh.language cannot be so"
    assert near in found.fix
    assert found.where.endswith("small.yaml:8")
    trimmed = "encoders:\n  a: {how: trim, model: b, languages: [Korean]}\nreaders:"
    assert "'ko'" in fault(SMALL.replace("readers:", trimmed)).fix
