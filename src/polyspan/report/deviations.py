"""In what a run differs from the paper, in plain words: model, sizes, data, metrics, seeds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyspan.make.maker import MAKERS
from polyspan.report.languages import listed

About = Mapping[str, Any]
"""What a corpus stage says of its corpus (`about.json`)."""

_MBERT = "bert-base-multilingual-cased"
_PRESET = "hsu2019"
_SETS = {"En": ("squad", "SQuAD 1.1"), "Zh": ("drcd", "DRCD"), "Kr": ("korquad", "KorQuAD 1.0")}
_TRAINING = {"En": 87_599, "Zh": 26_936, "Kr": 60_407}
_TESTS = {"En": 10_570, "Zh": 3_524, "Kr": 5_774}
_TABLES = ("table2", "table6")  # whose rows and columns are these languages
_FEW = 6


@dataclass(frozen=True, slots=True)
class Trained:
    """A Reader of the run. `places` are the (table, row) that it fills; `questions` those it learnt from."""

    name: str
    places: tuple[tuple[str, str], ...]
    model: str
    preset: str
    settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    data: tuple[About, ...]
    limit: int | None = None
    align: Mapping[str, Any] | None = None
    adversary: Mapping[str, Any] | None = None
    target: tuple[About, ...] = ()
    encoder: Mapping[str, Any] | None = None

    @property
    def questions(self) -> int:
        """Questions after the limit."""
        return sum(min(int(one["questions"]), self.limit or int(one["questions"])) for one in self.data)


@dataclass(frozen=True, slots=True)
class Answered:
    """A test of the run. `places` are the (table, column) that it fills."""

    name: str
    places: tuple[tuple[str, str], ...]
    about: About


def deviations(readers: Sequence[Trained], tests: Sequence[Answered]) -> list[str]:
    """Sentences, the weightiest first; what is as in the paper is not told."""
    found = [
        _model(readers),
        _data(readers, tests),
        *_sizes(readers, tests),
        _training(readers),
        _seeds(readers),
        _metrics(tests),
        *_made(readers, tests),
        _alignment(readers),
        *_adversaries(readers, tests),
        _development(tests),
    ]
    return [sentence for sentence in found if sentence]


def _model(readers: Sequence[Trained]) -> str:
    main = [reader.model for reader in readers if reader.encoder is None and _of_mbert(reader)]
    others = [name for name in dict.fromkeys(main) if name.rpartition("/")[2] != _MBERT]
    if not others:
        return ""
    return f"The encoder is {listed(others)}; the paper’s is multilingual BERT (base, cased, 104 languages)."


def _of_mbert(reader: Trained) -> bool:
    """Whether the paper's Reader of this place is multilingual BERT: rows a to d of Table 1 are other models."""
    return any(not (table == "table1" and row in "abcd") for table, row in reader.places) or not reader.places


def _data(readers: Sequence[Trained], tests: Sequence[Answered]) -> str:
    wrong: dict[str, str] = {}
    for label, about in [*_labelled_readers(readers), *_labelled_tests(tests)]:
        if (about.get("set") or {}).get("name") != _SETS[label][0]:
            wrong.setdefault(str(about["root"]), label)
    if not wrong:
        return ""
    papers = [f"{_SETS[label][1]} ({label})" for label in _SETS if label in wrong.values()]
    named = [f"{name} ({label})" for name, label in wrong.items()]
    return f"The data are {_few(named)}, where the paper has {listed(papers)}."


def _sizes(readers: Sequence[Trained], tests: Sequence[Answered]) -> list[str]:
    trained = {
        row: reader.questions
        for reader in readers
        for table, row in reader.places
        if table in _TABLES and row in _TRAINING
    }
    tested = {label: int(about["questions"]) for label, about in _labelled_tests(tests)}
    found = []
    for what, sizes, papers in (("Trained", trained, _TRAINING), ("Tested", tested, _TESTS)):
        different = [
            f"{sizes[label]:,} in {label} (paper: {papers[label]:,})"
            for label in papers
            if label in sizes and sizes[label] != papers[label]
        ]
        if different:
            found.append(f"{what} on {_few(different, 'questions')}.")
    return found


def _training(readers: Sequence[Trained]) -> str:
    ways: dict[str, list[str]] = {}
    for reader in readers:
        if not _of_mbert(reader):
            continue
        changes = [f"{name.replace('_', ' ')} {value}" for name, value in sorted(reader.settings.items())]
        if reader.preset != _PRESET or changes:
            ways.setdefault(
                f"the preset {reader.preset}" + (f" with {listed(changes)}" if changes else ""), []
            ).append(reader.name)
    if not ways:
        return ""
    only = len(ways) == 1
    told = [way if only else f"{way} ({_few(names)})" for way, names in ways.items()]
    return f"Trained by {'; '.join(told)}; the paper used the defaults of BERT’s run_squad.py (preset {_PRESET})."


def _seeds(readers: Sequence[Trained]) -> str:
    counts = {len(reader.seeds) for reader in readers if reader.seeds}
    if not counts:
        return ""
    if counts == {1}:
        return "One run a cell, as in the paper: how much another seed would change is not known."
    low, high = min(counts), max(counts)
    many = f"{high}" if low == high else f"{low} to {high}"
    return f"Means over {many} seeds; the paper has one run a cell."


def _metrics(tests: Sequence[Answered]) -> str:
    metrics: dict[str, list[str]] = {}
    for label, about in _labelled_tests(tests):
        if about.get("metric"):
            metrics.setdefault(str(about["metric"]), []).append(label)
    if not metrics:
        return ""
    told = [f"{name} ({', '.join(dict.fromkeys(labels))})" for name, labels in metrics.items()]
    return f"Scored by {listed(told)}; the paper does not name its scorer, and in Chinese and Korean rules differ."


def _made(readers: Sequence[Trained], tests: Sequence[Answered]) -> list[str]:
    """How made corpora came about, where the paper did it in another way."""
    abouts = [about for reader in readers for about in reader.data] + [test.about for test in tests]
    used: dict[str, dict[str, bool]] = {}  # sentence, name of a tool or file, whether it is the paper's
    for card in filter(None, (about.get("card") for about in abouts)):
        if (maker := MAKERS.get(card["maker"])) is None or not maker.deviation:
            continue
        options = [card["options"].get(option) for option in (*maker.tools, *maker.files)]
        names = [str(one["name"] if isinstance(one, dict) else one) for one in options if one is not None]
        usual = {name: re.fullmatch(maker.usual, name) is not None for name in names}
        used.setdefault(maker.deviation, {}).update(usual)
    return [sentence.format(_few(list(names))) for sentence, names in used.items() if not all(names.values())]


def _alignment(readers: Sequence[Trained]) -> str:
    ways = [f"{one['method']} at layer {one['layer']}" for reader in readers if (one := reader.align)]
    if not ways:
        return ""
    return (
        f"Alignments are fitted as {_few(list(dict.fromkeys(ways)))}; the paper names neither layer nor vectors."
    )


def _adversaries(readers: Sequence[Trained], tests: Sequence[Answered]) -> list[str]:
    used = {about["name"]: about["sha256"] for reader in readers for about in reader.target}
    if not used:
        return []
    own = {test.about["sha256"] for test in tests}
    inside = [name for name, content in used.items() if content in own]
    outside = [name for name in used if name not in inside]
    found = []
    if inside:
        found.append(
            f"Adversarial training reads the text of the test set itself ({_few(inside)}), never its answers, as "
            "the paper’s does: those results are transductive."
        )
    if outside:
        found.append(
            f"Adversarial training reads {_few(outside)}, which is not the test set; the paper took the text of "
            "the test set itself, so that its results are transductive and these are not."
        )
    return found


def _development(tests: Sequence[Answered]) -> str:
    dev = [str(test.about["root"]) for test in tests if str(test.about["root"]).endswith(":dev")]
    dev = list(dict.fromkeys(dev))
    return f"As in the paper, development sets are the tests ({_few(dev)})." if dev else ""


def _labelled_readers(readers: Sequence[Trained]) -> list[tuple[str, About]]:
    return [
        (row, about)
        for reader in readers
        for table, row in reader.places
        if table in _TABLES and row in _SETS
        for about in reader.data
    ]


def _labelled_tests(tests: Sequence[Answered]) -> list[tuple[str, About]]:
    tables = (*_TABLES, "table1", "table7")
    return [
        (column, test.about)
        for test in tests
        for table, column in test.places
        if table in tables and column in _SETS
    ]


def _few(names: Sequence[str], noun: str = "") -> str:
    """A list that stays short: the first ones, and how many more there are."""
    kept = list(names) if len(names) <= _FEW else [*names[: _FEW - 1], f"{len(names) - _FEW + 1} more"]
    if noun and kept:
        first, _, rest = kept[0].partition(" ")
        kept[0] = f"{first} {noun} {rest}"
    return listed(kept)
