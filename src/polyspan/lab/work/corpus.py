"""The work of corpus and baseline stages: a corpus as it is used, and what word overlap alone answers on it."""

import glob
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyspan.data import cards
from polyspan.data.sample import sample
from polyspan.data.schema import Corpus
from polyspan.data.write import write
from polyspan.files import sha256, write_json, write_text
from polyspan.lab.plan.content import commit_unknown
from polyspan.lab.plan.data_facts import resolved
from polyspan.lab.stage import Inputs
from polyspan.lab.work.answers import write_answers
from polyspan.make.naming import call
from polyspan.reading import build, is_name, read
from polyspan.score.baseline import lexical_baseline

_MADE = "make:"


def corpus(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """Read or make a corpus: `corpus.json` (SQuAD), `about.json`, and `card.yaml` where it was made.

    Options: `data` as `read` takes it, `language`, `metric`, `name`, and `limit` questions drawn by `seed`. Raises
    PolyspanError for names on the hub whose commit was not known when the run was planned.
    """
    data, language = str(options["data"]), options.get("language")
    if re.search(r"\b(hub|hf):", data) and (known := resolved(data)) != data:
        raise commit_unknown(data, known)
    card: dict[str, Any] | None = None
    if data.startswith(_MADE):
        made = build(data, language, doing=f"making {options.get('name') or data}")
        whole, card = made.corpus, made.card()
    else:
        whole = read(data, language)
    whole = replace(
        whole,
        name=options.get("name") or whole.name,
        language=language or whole.language,
        metric=options.get("metric") or whole.metric,
    )
    limit = options.get("limit")
    part = whole if limit is None else sample(whole, int(limit), int(options.get("seed", 0)))
    write(part, out / "corpus.json")
    if card is not None:
        import yaml

        write_text(out / "card.yaml", yaml.safe_dump(card, allow_unicode=True, sort_keys=False))
    write_json(out / "about.json", about(part, len(whole), data) | {"card": card})


def baseline(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """The lexical baseline on the corpus in the role `test`: `predictions.json` and `scores.json`."""
    test = kept_corpus(inputs["test"])
    write_answers(out, test, lexical_baseline(test))


def kept_corpus(folder: Path) -> Corpus:
    """The corpus of a finished stage, with the name, language and metric that it has there."""
    told = json.loads((folder / "about.json").read_text("utf-8"))
    content = read(folder / "corpus.json", told["language"])
    return replace(content, **{key: told[key] for key in ("name", "language", "metric", "source")})


def kept_ids(folder: Path) -> list[list[str]]:
    """The ids of the questions on each paragraph of `kept_corpus`, without the texts, which take far longer."""
    articles = json.loads((folder / "corpus.json").read_text("utf-8"))["data"]
    return [[one["id"] for one in part["qas"]] for article in articles for part in article["paragraphs"]]


def kept_corpora(inputs: Inputs, role: str) -> list[Corpus]:
    """The corpora in the roles `role.0`, `role.1`, …, in that order."""
    found = sorted((int(name.rpartition(".")[2]), name) for name in inputs if name.rpartition(".")[0] == role)
    return [kept_corpus(inputs[name]) for _, name in found]


def about(part: Corpus, whole: int, data: str) -> dict[str, Any]:
    """What a reader of a report wants to know of a corpus: counts, hash, where it is from, its licence."""
    told: dict[str, Any] = {"name": part.name, "language": part.language, "metric": part.metric}
    told |= {"source": part.source, "data": data, "questions": len(part), "of": whole}
    told |= {"contexts": len(part.paragraphs), "sha256": part.fingerprint()}
    told["root"], card = root(data)
    names = ("name", "title", "licence", "homepage", "citation")
    return told | {"set": None if card is None else {name: getattr(card, name) for name in names}}


def root(data: str) -> tuple[str, cards.Card | None]:
    """The name of the data set that a corpus is, or is made of in the end, and its card where it has one."""
    while data.startswith(_MADE):
        data = call(data).data
    if is_name(data):
        return data, cards.cards().get(data.partition(":")[0])
    files = sorted(glob.glob(data)) or [data]
    known = cards.recognise(files[0], sha256(files[0])) if Path(files[0]).is_file() else None
    return (Path(data).name, None) if known is None else (known.name, cards.cards()[known.card])
