"""In what a run differs from the paper, in plain words: model, sizes, data, metrics, seeds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyspan.report.languages import listed

About = Mapping[str, Any]
"""What a corpus stage says of its corpus (`about.json`)."""

_MBERT = "bert-base-multilingual-cased"
_PRESET = "hsu2019"
_SETS = {"En": ("squad", "SQuAD 1.1"), "Zh": ("drcd", "DRCD"), "Kr": ("korquad", "KorQuAD 1.0")}
_TRAINING = {"En": 87_599, "Zh": 26_936, "Kr": 60_407}
_TESTS = {"En": 10_570, "Zh": 3_524, "Kr": 5_774}
_TABLES = ("table2", "table6")  # whose rows and columns are these languages
_MUSE = re.compile(r"[a-z]{2}-[a-z]{2}(\.[0-9-]+)?\.txt")
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
    cards = [card for about in abouts if (card := about.get("card"))]
    engines = _options(cards, ("translate", "backtranslate"), "engine")
    parsers = _options(cards, ("reorder",), "parser")
    dictionaries = _options(cards, ("codeswitch",), "dictionary")
    found = []
    if engines:
        found.append(f"Translated by {listed(engines)}; the paper used Google Translate.")
    if parsers:
        found.append(f"Reordered by the parses of {listed(parsers)}; the paper does not name its parser.")
    if any(not _MUSE.fullmatch(name) for name in dictionaries):
        found.append(f"Words are mixed in from {_few(dictionaries)}; the paper used MUSE’s dictionaries.")
    return found


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


def _options(cards: Iterable[Mapping[str, Any]], makers: tuple[str, ...], name: str) -> list[str]:
    values = [card["options"][name] for card in cards if card["maker"] in makers and name in card["options"]]
    return list(dict.fromkeys(str(one["name"] if isinstance(one, dict) else one) for one in values))


def _few(names: Sequence[str], noun: str = "") -> str:
    """A list that stays short: the first ones, and how many more there are."""
    kept = list(names) if len(names) <= _FEW else [*names[: _FEW - 1], f"{len(names) - _FEW + 1} more"]
    if noun and kept:
        first, _, rest = kept[0].partition(" ")
        kept[0] = f"{first} {noun} {rest}"
    return listed(kept)
