"""Plans: only what is drawn, each stage once, the same keys in every recipe, and faults found beforehand."""

import errno
import json
import subprocess
import sys
import time

import pytest

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.plan.data_facts import drawn_first, facts
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.recipe.shipped import shipped
from polyspan.model.windows.windows import WindowOptions

ON_FILES = {name for name in shipped() if name.startswith("public/")}
ALL = [pytest.param(name, marks=[pytest.mark.realdata] * (name in ON_FILES)) for name in shipped()]

SMALL = """\
name: small
model: bundled:e5-small
preset: cpu
corpora:
  En: mini:en/train
  Zh: mini:zh/train
tests:
  En: mini:en/test
  Zh: mini:zh/test
readers:
  En: [En]
  Zh: [Zh]
tables:
  table2: {rows: [En], columns: [En, Zh]}
"""


@pytest.fixture
def planned(tmp_path):
    """Plan a recipe's text."""

    def call(text: str, *changes: str):
        path = tmp_path / "small.yaml"
        path.write_text(text, "utf-8")
        return plan(read_recipe(path, changes))

    return call


def paper(name: str, *changes: str):
    return plan(read_recipe(f"hsu2019/{name}", changes))


def names(made, kind: str) -> list[str]:
    return [stage.name for stage in made.stages if stage.kind == kind]


@pytest.mark.parametrize("name", ALL)
def test_every_recipe_plans(name, request, monkeypatch):
    if name in ON_FILES:
        data = request.getfixturevalue("data")
        monkeypatch.setenv("POLYSPAN_DATA", str(data))
        monkeypatch.setenv("CMRC_TRAIN", str(data / "cmrc2018" / "train-pseudo-cmrc2018.zip"))
    made = plan(read_recipe(name, ["encoders.English-BERT.model=bundled:e5-small"] * (name == "public/paper")))
    assert len({stage.name for stage in made.stages}) == len(made.stages) == len({s.key for s in made.stages})
    assert all(stage.seconds > 0 and stage.megabytes >= 0 for stage in made.stages)
    seen: set[str] = set()
    for stage in made.stages:
        assert {need.key for need in stage.needs.values()} <= seen, stage.name
        seen.add(stage.key)
        json.dumps(stage.options, allow_nan=False)
    assert set(made.wanted) == set(made.recipe.drawn())


SELECTION = """\
statistics:
  selection: {readers: En, source: En, tests: [Zh]}
draw: selection
"""


def test_checkpoints_are_answered_each_by_itself(planned):
    made = planned(SMALL + SELECTION, "readers.En.checkpoints=3")
    assert names(made, "train") == ["train En, seed 42"]
    assert names(made, "predict") == [
        f"predict En on {test}, seed 42{part}"
        for test in ("En", "Zh")
        for part in (", checkpoint 1 of 3", ", checkpoint 2 of 3", "")
    ]
    first, _, last = made.checkpoints[:3]
    assert (first.predict.options["checkpoint"], last.predict.options.get("checkpoint")) == (1, None)
    assert first.predict.needs["reader"] is last.predict.needs["reader"]
    assert last.predict.needs["reader"].options["checkpoints"] == 3
    assert last.predict.key == planned(SMALL, "readers.En.checkpoints=3").cells[0].predict.key


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ([], "one checkpoint to choose from"),
        (["readers.En.checkpoints=2", "statistics.selection.source=Zh"], "not chosen for itself"),
        (["readers.En.checkpoints=2", "statistics.selection.source=Ch"], "did you mean"),
        (["readers.En.checkpoints=0"], "checkpoints"),
    ],
)
def test_mistakes_in_a_selection(planned, changes, part):
    with pytest.raises(PolyspanError, match=part):
        planned(SMALL + SELECTION, *changes)


def test_only_what_is_drawn_is_planned(planned):
    made = planned(SMALL)
    assert names(made, "train") == ["train En, seed 42"]
    assert names(made, "predict") == [
        *("predict En on En, seed 42", "predict untrained bundled:e5-small on En"),
        *("predict En on Zh, seed 42", "predict untrained bundled:e5-small on Zh"),
    ]
    assert [(row, column, cell.seed) for row, column, cell in made.of_table("table2")] == [
        ("En", "En", 42),
        ("En", "Zh", 42),
    ]


def test_table_recipes_share_their_readers():
    keys = [
        {stage.name: stage.key for stage in paper(name).stages if stage.kind == "train"}
        for name in ("table2", "table6", "table1", "paper")
    ]
    two, six, one, whole = keys
    assert {name for name in two if name in six} == {f"train En, seed {seed}" for seed in (42, 43, 44)}
    for other in (two, six, one):
        assert all(whole[name] == key for name, key in other.items())
    assert len(whole) == 26 * 3


def test_keys_do_not_change_with_what_the_reader_does_not_see(planned):
    key = planned(SMALL).stage("train En, seed 42").key
    assert (
        planned(SMALL.replace("name: small", "name: other"), "tests.Zh.limit=5").stage("train En, seed 42").key
        == key
    )
    for change in ("corpora.En.limit=5", "settings.epochs=1", "preset=readme", "readers.En.limit=3"):
        assert planned(SMALL, change).stage("train En, seed 42").key != key


def test_seeds_are_runs_of_one_reader(planned):
    made = planned(SMALL, "seeds=[1, 2, 3]")
    assert names(made, "train") == [f"train En, seed {seed}" for seed in (1, 2, 3)]
    assert len(names(made, "corpus")) == 3
    assert len([name for name in names(made, "predict") if "untrained" in name]) == 2


def test_a_local_file_goes_by_its_content(planned, tmp_path, corpus):
    from polyspan.data.write import write

    path = tmp_path / "own.json"
    write(corpus, path)
    change = f"corpora.En.data={path}"
    first = planned(SMALL, change).stage("corpus En")
    assert list(first.content) == [str(path)]
    path.write_text(path.read_text("utf-8").replace("leeds", "leads"), "utf-8")
    assert planned(SMALL, change).stage("corpus En").key != first.key


def test_scale_makes_the_whole_recipe_small():
    scale = "scale={limit: 1000, test_limit: 50, model: bundled:e5-small, preset: cpu, epochs: 1, seeds: 42}"
    whole, small = paper("paper"), paper("paper", scale)
    assert sum(stage.seconds for stage in small.stages) < sum(stage.seconds for stage in whole.stages) / 300
    assert small.stage("corpus En-small").options["data"].startswith("squad")
    assert small.stage("corpus En-small").options["limit"] == round(1000 * 26936 / 87599)
    assert small.stage("corpus En").options["limit"] == 1000
    assert small.stage("test Zh").options["limit"] == 50


def test_slow_makers_work_on_the_sample_alone():
    drawn = drawn_first("make:permute(make:translate(squad:train, to=zh, engine=hf:x), seed=1)", 10, 42)
    inner = "make:sample(squad:train, size=10, seed=42)"
    assert drawn == f"make:permute(make:translate({inner}, to=zh, engine=hf:x), seed=1)"
    assert drawn_first("make:permute(squad:train, seed=1)", 10, 42) is None
    assert facts(drawn).questions == 10
    torn = "make:part(make:translate(squad:train, to=zh, engine=hf:x), side=held)"
    assert drawn_first(torn, 10, 42) is None  # another sample would be split at other articles


def test_a_map_is_fitted_with_its_readers_windows(planned):
    align = "readers.En.align={method: mean, layer: 1, source: En, target: Zh}"
    usual, short = (planned(SMALL, align, *more) for more in ((), ("settings.max_length=96",)))
    plain = next(stage for stage in usual.stages if stage.kind == "map")
    assert WindowOptions(**plain.options["windows"]) == WindowOptions()
    fitted = next(stage for stage in short.stages if stage.kind == "map")
    assert WindowOptions(**fitted.options["windows"]) == WindowOptions(max_length=96)


def test_the_sides_of_a_part_have_their_sizes():
    assert [
        facts(f"make:part(mini:en/train, side={side}, fraction=0.25)").questions for side in ("held", "rest")
    ] == [
        72,
        216,
    ]
    assert facts("make:part(mini:en/train, side=held, size=12)").questions == 12


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("  En: [En]", "  En: [Em]", "unknown corpus 'Em'", 11),
        ("rows: [En]", "rows: [Em]", "unknown reader 'Em'", 14),
        ("columns: [En, Zh]", "columns: [Em]", "unknown test 'Em'", 14),
        ("mini:en/train", "mini:en/trian", "data set 'mini' has no split", 5),
        ("mini:en/train", "nowhere.json", "there is no such file", 5),
        ("mini:en/train", "hub:x", "cannot read the name of a hub data set", 5),
        ("mini:en/train", '"make:permut(mini:en/train)"', "unknown maker 'permut'", 5),
        ("mini:en/train", '"make:permute(mini:en/train, sed=1)"', "unknown option of permute 'sed'", 5),
        ("mini:en/train", '"make:codeswitch(mini:en/train, dictionary=no, target=zh)"', "there is no such", 5),
        ("mini:en/train", '"make:part(mini:en/train, side=left)"', "unknown side 'left'", 5),
        ("mini:en/train", '"make:part(mini:en/train, fraction=half)"', "the fraction of a part is no number", 5),
        ("mini:en/train", '"make:codeswitch(mini:en/train)"', "make:codeswitch cannot be called so", 5),
        ("mini:en/train", '"make:translate(mini:en/train, to=zh, engine=fil:x)"', "unknown engine 'fil'", 5),
        ("  Zh: mini:zh/test", "  Zh: {data: mini:zh/test, metric: squad.v1}", "the metric of the test 'Zh'", 9),
        ("  En: mini:en/test", "  En: {data: mini:en/test, metric: drcd.v1}", "the metric of the test 'En'", 8),
        ("  En: mini:en/test", "  En: {data: mini:en/test, metric: squad}", "unknown metric 'squad'", 8),
        ("  En: mini:en/test", "  En: hub:some/body/test", "the language of the test 'En' is not known", 8),
        ("preset: cpu", "preset: cpus", "unknown preset 'cpus'", 3),
        ("preset: cpu", "settings: {epochs: -1}", "epochs must be above 0", 3),
        ("bundled:e5-small", "bundled:e6", "there is no 'bundled:e6'", 2),
        ("bundled:e5-small", "./nowhere", "no model at ./nowhere", 2),
        ("preset: cpu", "settings: {max_length: 600}", "the model of 'En' does not take windows so long", 3),
        ("  En: [En]", "  En: {data: [En], adversary: {layer: 13, data: [Zh]}}", "the encoder has no layer", 11),
        ("  En: [En]", "  En: {data: [En], weights: [1, 2]}", "one weight a corpus is needed", 11),
        ("  En: [En]", "  En: {data: [En], preset: xtreme}", "the warm-up of 'En' is as long as its training", 11),
    ],
)  # fmt: skip
def test_faults_are_found_beforehand(planned, old, new, message, line):
    text = SMALL.replace(old, new, 1)
    with pytest.raises(PolyspanError) as caught:
        planned(text)
    assert caught.value.message.startswith(message), str(caught.value)
    assert f"small.yaml:{line}" in caught.value.where, str(caught.value)


def test_a_file_is_in_the_language_that_it_names(planned, tmp_path):
    text = Paragraph("대한민국", (Question("q", "?", (Answer("대한", 0),)),))
    write(Corpus((text,), language="ko"), tmp_path / "mine.json")
    write(Corpus((text,)), tmp_path / "mine.en.json")
    assert facts(str(tmp_path / "mine.json")).language == "ko"
    assert facts(str(tmp_path / "mine.json"), "kor_Hang").language == "ko-Hang"
    assert facts(str(tmp_path / "mine.en.json")).language is None
    with pytest.raises(UsageError, match="'fr'"):
        facts("mini:en/test", "French")
    translated = facts("make:translate(mini:en/test, to=tha, engine=file:mini)")
    assert (translated.language, translated.metric) == ("th", "drcd.v1")
    planned(SMALL.replace("mini:zh/test", str(tmp_path / "mine.json")))


def test_circles(planned):
    like = SMALL.replace("  En: mini:en/train", "  En: {data: mini:en/train, like: Zh}")
    like = like.replace("  Zh: mini:zh/train", "  Zh: {data: mini:zh/train, like: En}")
    with pytest.raises(PolyspanError, match="in a circle"):
        planned(like)
    made = "encoders:\n  a: {how: trim, model: b, data: [En]}\n  b: {how: trim, model: a, data: [En]}\n"
    with pytest.raises(PolyspanError, match="in a circle"):
        planned(SMALL.replace("readers:", made + "readers:").replace("  En: [En]", "  En: {data: [En], model: a}"))


def test_made_encoders_are_needs(planned):
    made = "encoders:\n  few: {how: trim, model: 'bundled:e5-small', data: [En, Zh]}\n"
    text = SMALL.replace("readers:", made + "readers:").replace("  En: [En]", "  En: {data: [En], model: few}")
    train = planned(text).stage("train En, seed 42")
    assert train.needs["model"].options == {"how": "trim", "model": "bundled:e5-small", "languages": []}
    assert "model" not in train.options
    whole = text.replace("model: few}", "}").replace("model: bundled:e5-small\n", "model: few\n")
    assert planned(whole.replace(", }", "}")).stage("train En, seed 42").needs["model"].name == "encoder few"


def test_a_local_model_goes_by_its_content_and_length(planned, tiny):
    made = planned(SMALL, f"model={tiny}", "settings.max_length=100")
    assert "model.safetensors" in made.stage("train En, seed 42").content
    with pytest.raises(PolyspanError, match="does not take windows so long"):
        planned(SMALL, f"model={tiny}", "settings.max_length=200")


def test_probes_and_their_scores(planned):
    text = SMALL + "probes:\n  figure2: {kind: cosine, readers: {En: [En, Zh]}, scatter: true, before: true}\n"
    made = planned(text, "draw=figure2", "seeds=[5, 6]")
    (look,) = made.looks
    assert look.stage.options == {"kind": "cosine", "name": "En", "seed": 0, "before": "bundled:e5-small"}
    assert [(cell.test, cell.seed) for cell in look.scored] == [("Zh", 5)]
    assert list(look.stage.needs) == ["data.0", "data.1", "reader"]


def test_a_probe_takes_the_options_of_its_kind(planned):
    text = SMALL + "probes:\n  figure: {kind: svcca, readers: {En: [En, Zh]}, k: 5}\n"
    (look,) = planned(text, "draw=figure").looks
    assert look.stage.options["k"] == 5
    (look,) = planned(text, "draw=figure", "probes.figure={kind: pca, readers: {En: [En, Zh]}, fit: each}").looks
    assert look.stage.options["fit"] == ["each"]
    for change, part in (
        ("probes.figure.kind=cka", "cka has no option 'k'"),
        ("probes.figure.k=0", "at least one direction"),
        ("probes.figure.kind=svca", "cannot be so"),
        ("probes.figure.token=3", "no 'probes.figure.token'"),
    ):
        with pytest.raises(PolyspanError, match=part):
            planned(text, "draw=figure", change)


def test_claims_need_all_tables_unless_told():
    assert {stage.key for stage in paper("claims").stages} < {stage.key for stage in paper("paper").stages}
    only = paper("claims", "statistics.claims.of=[table7]")
    assert {cell.test for cell in only.cells} == {"Zh"}


@pytest.mark.parametrize(
    ("statistic", "part"),
    [("claims: {}", "claims are those of a paper"), ("anova: {table: table2}", "which factors")],
)
def test_only_a_recipe_that_names_the_paper_has_its_claims_and_factors(planned, statistic, part):
    text = f"{SMALL}statistics:\n  {statistic}\n"
    with pytest.raises(PolyspanError, match=part) as caught:
        planned(text)
    assert "paper: hsu2019" in str(caught.value)
    assert "small.yaml:16" in str(caught.value)
    assert planned(text, "paper=hsu2019").recipe.paper == "hsu2019"
    with pytest.raises(PolyspanError, match="paper cannot be so"):
        planned(text, "paper=hsu")


def test_five_thousand_stages_are_planned_in_two_seconds(planned):
    readers = "".join(
        f"  r{number}: {{data: [En], settings: {{average: {number}}}}}\n" for number in range(1, 101)
    )
    rows = ", ".join(f"r{number}" for number in range(1, 101))
    text = SMALL.replace("  En: [En]\n", f"  En: [En]\n{readers}").replace("rows: [En]", f"rows: [{rows}]")
    began = time.perf_counter()
    made = planned(text, f"seeds={list(range(17))}")
    assert len(made.stages) > 5000
    assert time.perf_counter() - began < 2


def test_the_verb_shows_the_plan_and_runs_nothing(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from polyspan.cli.main import app

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, "utf-8")
    done = CliRunner().invoke(app, ["run", str(path), "--plan", "--json", "--set", "seeds=[1, 2]"])
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["total"]["stages"] == len(told["stages"]) == 13
    assert told["total"]["cached"] == 0
    assert told["draw"]["table2"][0] == "predict En on En, seed 1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.yaml"]


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    from polyspan.lab.run import alone

    with alone(tmp_path / "out"), pytest.raises(PolyspanError, match="another run"), alone(tmp_path / "out"):
        pass
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(PolyspanError, match="is taken"), alone(tmp_path / "other"):
        pass


def test_a_lock_file_that_is_removed_while_another_run_opens_it_lets_only_one_in(tmp_path, monkeypatch):
    """A run that opened the file of one that has ended since, and a newcomer: not both enter."""
    from polyspan.lab import run

    fcntl = pytest.importorskip("fcntl")
    out = tmp_path / "out"
    flock, ended, inside = fcntl.flock, [], []

    def late(file, how):
        if not ended:  # the file is open; its run ends before it is locked
            ended.append((out / ".running").unlink())
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with run.alone(out):
        inside.append("one")
        with pytest.raises(PolyspanError, match="another run"), run.alone(out):
            inside.append("two")
    assert ended
    assert inside == ["one"]
    assert not list(out.iterdir())


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_keeps_no_run_out(number, tmp_path, monkeypatch):
    from polyspan.lab import run

    def refuse(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", refuse)
    with run.alone(tmp_path / "out"):
        assert (tmp_path / "out").is_dir()


def test_the_lab_is_imported_where_there_are_no_locks_of_unix():
    """Windows has neither `fcntl` nor `resource`."""
    hidden = "import sys; sys.modules['fcntl'] = sys.modules['resource'] = None\n"
    modules = "polyspan.lab.run, polyspan.lab.engine.local, polyspan.lab.engine.processes, polyspan.bench.worker"
    subprocess.run([sys.executable, "-c", f"{hidden}import {modules}"], check=True)


def test_mini_fits_its_budget():
    """Estimated for two cores without a GPU, which is what the recipes promise."""
    from polyspan.lab.machine import Hardware, hardware

    if hardware() != Hardware(2, False):
        pytest.skip("another machine")
    for name, minutes in (("paper", 40), ("why", 3)):
        made = plan(read_recipe(f"mini/{name}"))
        assert sum(stage.seconds for stage in made.stages) < 60 * minutes
