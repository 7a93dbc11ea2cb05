"""In what a run differs from the paper, in plain words: model, sizes, data, metrics, seeds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyspan.make.maker import MAKERS
from polyspan.report.notation import few, listed

About = Mapping[str, Any]
"""What a corpus stage says of its corpus (`about.json`)."""

_MBERT = "bert-base-multilingual-cased"
_PRESET = "hsu2019"
_SETS = {"En": ("squad", "SQuAD 1.1"), "Zh": ("drcd", "DRCD"), "Kr": ("korquad", "KorQuAD 1.0")}
_TRAINING = {"En": 87_599, "Zh": 26_936, "Kr": 60_407}
_TESTS = {"En": 10_570, "Zh": 3_524, "Kr": 5_774}
_TABLES = ("table2", "table6")  # whose rows and columns are these languages
_FEW = 6

_MODEL = "The encoder is {}; the paper’s is multilingual BERT (base, cased, 104 languages)."
_TRAINED = "Trained on {}."
_TESTED = "Tested on {}."
_SCORED = "Scored by {}; the paper does not name its scorer, and in Chinese and Korean rules differ."
_ALIGNED = "Alignments are fitted as {}; the paper names neither layer nor vectors."
_TRANSDUCTIVE = (
    "Adversarial training reads the text of the test set itself ({}), never its answers, as the paper’s does: "
    "those results are transductive."
)
_NOT_TRANSDUCTIVE = (
    "Adversarial training reads {}, which is not the test set; the paper took the text of the test set itself, so "
    "that its results are transductive and these are not."
)
_DEVELOPMENT = "As in the paper, development sets are the tests ({})."


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
    cards = [card for about in _abouts(readers, tests) if (card := about.get("card"))]
    own = {test.about["sha256"] for test in tests}
    targets = {about["name"]: about["sha256"] in own for reader in readers for about in reader.target}
    roots = [str(test.about["root"]) for test in tests]
    found = [
        _told(_MODEL, _other_models(readers)),
        _data(readers, tests),
        _told(_TRAINED, _sizes(_trained_sizes(readers), _TRAINING)),
        _told(
            _TESTED, _sizes({label: int(about["questions"]) for label, about in _labelled_tests(tests)}, _TESTS)
        ),
        _training(readers),
        _seeds(readers),
        _told(_SCORED, _metrics(tests)),
        *_made(cards),
        _told(
            _ALIGNED, [f"{one['method']} at layer {one['layer']}" for reader in readers if (one := reader.align)]
        ),
        _told(_TRANSDUCTIVE, [name for name, inside in targets.items() if inside]),
        _told(_NOT_TRANSDUCTIVE, [name for name, inside in targets.items() if not inside]),
        _told(_DEVELOPMENT, [root for root in roots if root.endswith(":dev")]),
    ]
    return [sentence for sentence in found if sentence]


def _told(sentence: str, names: Iterable[str]) -> str:
    """The sentence about the first of these names and how many more there are; "" where there is none."""
    listing = listed(few(list(dict.fromkeys(names)), _FEW))
    return sentence.format(listing) if listing else ""


def _other_models(readers: Sequence[Trained]) -> list[str]:
    main = [reader.model for reader in readers if reader.encoder is None and _of_mbert(reader)]
    return [name for name in main if name.rpartition("/")[2] != _MBERT]


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
    return _told(f"The data are {{}}, where the paper has {listed(papers)}.", named)


def _trained_sizes(readers: Sequence[Trained]) -> dict[str, int]:
    return {
        row: one.questions for one in readers for table, row in one.places if table in _TABLES and row in _TRAINING
    }


def _sizes(sizes: Mapping[str, int], papers: Mapping[str, int]) -> list[str]:
    """The sizes that differ; the first one says what is counted."""
    different = [label for label in papers if label in sizes and sizes[label] != papers[label]]
    return [
        f"{sizes[label]:,}{'' if number else ' questions'} in {label} (paper: {papers[label]:,})"
        for number, label in enumerate(different)
    ]


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
    told = [way if only else f"{way} ({listed(few(names, _FEW))})" for way, names in ways.items()]
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


def _metrics(tests: Sequence[Answered]) -> list[str]:
    metrics: dict[str, list[str]] = {}
    for label, about in _labelled_tests(tests):
        if about.get("metric"):
            metrics.setdefault(str(about["metric"]), []).append(label)
    return [f"{name} ({', '.join(dict.fromkeys(labels))})" for name, labels in metrics.items()]


def _abouts(readers: Sequence[Trained], tests: Sequence[Answered]) -> list[About]:
    return [about for reader in readers for about in reader.data] + [test.about for test in tests]


def _made(cards: Iterable[Mapping[str, Any]]) -> list[str]:
    """How made corpora came about, where the paper did it in another way."""
    used: dict[str, dict[str, bool]] = {}  # sentence, name of a tool or file, whether it is the paper's
    for card in cards:
        if (maker := MAKERS.get(card["maker"])) is None or not maker.deviation:
            continue
        options = [card["options"].get(option) for option in (*maker.tools, *maker.files)]
        names = [str(one["name"] if isinstance(one, dict) else one) for one in options if one is not None]
        usual = {name: re.fullmatch(maker.usual, name) is not None for name in names}
        used.setdefault(maker.deviation, {}).update(usual)
    return [_told(sentence, names) for sentence, names in used.items() if not all(names.values())]


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
