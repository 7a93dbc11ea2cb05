"""Reading a data set, whatever format it comes in."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.data import archive, rows, squad
from polyspan.data.decode import NOTHING, decode, load_json
from polyspan.data.parsed import STRUCTURE, Parsed
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError
from polyspan.files import Source, explained, sha256

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]+:.*", re.DOTALL)
_LANGUAGES = frozenset(
    re.findall(
        r"\w+",
        "ar bg bn ca cs da de el en es et eu fa fi fr hi hr hu id it ja ka ko lt lv ms nl pl pt ro ru sk sl sr sv"
        " sw ta te th tl tr uk ur vi zh",
    )
)
_SETS = {
    "korquad": "ko", "kquad": "ko", "jaquad": "ja", "drcd": "zh-Hant", "cmrc": "zh-Hans", "fquad": "fr",
    "piaf": "fr", "germanquad": "de", "sberquad": "ru",
}  # fmt: skip
_SCRIPTS = {"tw": "zh-Hant", "hk": "zh-Hant", "hant": "zh-Hant", "cn": "zh-Hans", "hans": "zh-Hans"}


def read(data: Source, language: str | None = None) -> Corpus:
    """Read a data set: a file, a quoted pattern of files ('train_0*.json', in sorted order), or a name.

    Formats, told by content and suffix: SQuAD 1.1 and 2.0 with its kin (DRCD, KorQuAD 1.0, XQuAD, MLQA,
    TyDiQA-GoldP, JaQuAD, the paper's released files), both shapes of CMRC 2018, rows as JSON, JSON Lines, CSV,
    TSV or Parquet, and a zip or gz of one of these. Names (`squad:dev`, `mini:zh/test`, `hub:…`) are resolved by
    `polyspan.data.cards`. `language` (ISO 639-1) wins over what the file or its name says.

    Reading is strict about structure and silent about content: raises PolyspanError at the first missing key,
    wrong type or undecodable byte, while offsets and texts stand as the file has them; `check` looks at those.
    """
    if is_name(data):
        return resolve(data, language)
    parts = parse(data)
    fault = next((fault for part in parts for fault in part.faults if fault.rule in STRUCTURE), None)
    if fault is not None:
        raise fault.error()
    return corpus_of(parts, str(data), language)


def is_name(data: Source) -> bool:
    """Whether a data argument is a name such as `squad:dev` rather than a path."""
    return isinstance(data, str) and _NAME.fullmatch(data) is not None and not os.path.exists(data)


def resolve(name: Source, language: str | None = None) -> Corpus:
    """The data set of a name."""
    from polyspan.data import cards

    return cards.resolve(str(name), language)


def parse(data: Source) -> list[Parsed]:
    """Parse every file of a path or pattern, faults and all.

    Raises PolyspanError where there is nothing to parse: no such file, a folder, an empty file, a bad archive.
    """
    parts = [_parse_file(path) for path in _paths(data)]
    if not any(part.faults or any(paragraph.questions for paragraph in part.paragraphs) for part in parts):
        expected, fix = "at least one question", "check that this is the file you mean"
        parts[0].fault("", "", "no-questions", "no question at all", expected, fix)
    return parts


def corpus_of(parts: list[Parsed], source: str, language: str | None = None) -> Corpus:
    """Parsed files as one corpus, with the name, language and metric of its card where the files are known."""
    from polyspan.data import cards

    known = [cards.recognise(part.file, sha256(part.file)) for part in parts]
    card = known[0] if len({found.name if found else None for found in known}) == 1 else None
    paragraphs = tuple(paragraph for part in parts for paragraph in part.paragraphs)
    if card is not None:
        return Corpus(
            paragraphs, card.name, language or card.language or guess_language(parts[0]), card.metric, source
        )
    name = Path(parts[0].file).name.split(".json")[0] if len(parts) == 1 else Path(source).name
    return Corpus(paragraphs, name, language or guess_language(parts[0]), None, source)


def guess_language(part: Parsed) -> str | None:
    """The language that a file's name, version or folder tells: `xquad.zh.json`, `zh-tw_en_dev.json` (its target).

    Of several codes in a name the last counts, but for MLQA's `context-zh-question-en`, where it is the context's.
    """
    path = Path(part.file)
    for text in (path.name, part.version, path.absolute().parent.name):
        words = re.split(r"[^a-z]+", text.lower())
        if "context" in words[:-1] and (after := words[words.index("context") + 1]) in _LANGUAGES:
            return after
        for index in range(len(words) - 1, -1, -1):
            word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
            if word == "zh":
                return _SCRIPTS.get(following, word)
            if word in _LANGUAGES:
                return word
        if found := next((code for name, code in _SETS.items() if name in text.lower()), None):
            return found
        if re.search(r"(?<![a-z])squad", text.lower()):
            return "en"
    return None


def _paths(data: Source) -> list[str]:
    path = os.fspath(data)
    if "\0" in path or not path:
        raise PolyspanError("that is not a path", found=repr(path))
    if not os.path.exists(path) and any(char in path for char in "*?["):
        import glob

        paths = sorted(found for found in glob.glob(path) if os.path.isfile(found))
        if not paths:
            raise PolyspanError("no file matches the pattern", where=path, fix="check the folder and the pattern")
        return paths
    if os.path.isdir(path):
        inside = sorted(entry.name for entry in os.scandir(path) if entry.is_file())[:6]
        raise PolyspanError(
            "a data set is a file, and this is a folder",
            where=path,
            found=", ".join(inside) or "no files in it",
            fix="give one file, or a quoted pattern such as 'FOLDER/train_*.json'",
        )
    if not os.path.exists(path):
        raise PolyspanError(
            "there is no such file", where=path, fix="check the path; `polyspan data list` has names"
        )
    return [path]


def _parse_file(path: str) -> Parsed:
    with explained(path, "read"):
        data = Path(path).read_bytes()
    data, name = archive.unpack(data, path)
    if not data.strip():
        raise PolyspanError("the file is empty", where=path, fix="copy or download it again")
    parsed = Parsed(path)
    kind = Path(name).suffix.lower()
    if data.startswith(b"PAR1") or kind == ".parquet":
        rows.parse_parquet(data, parsed)
        return parsed
    text = decode(data, parsed)
    if kind in (".csv", ".tsv"):
        rows.parse_csv(text, parsed, "," if kind == ".csv" else "\t")
    elif kind in (".jsonl", ".ndjson") or _has_lines(text):
        rows.parse_lines(text, parsed)
    elif (document := load_json(text, parsed)) is not NOTHING:
        _parse_document(document, parsed)
    return parsed


def _has_lines(text: str) -> bool:
    # JSON Lines is often called .json: its first line is a whole object, and more follow.
    first, _, rest = text.partition("\n")
    if not first.startswith("{") or not rest.lstrip().startswith("{"):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _parse_document(document: Any, parsed: Parsed) -> None:
    items = document.get("data") if isinstance(document, Mapping) else document
    first = items[0] if isinstance(items, list) and items else None
    if isinstance(document, list) and isinstance(first, Mapping) and ("context_text" in first or "qas" in first):
        squad.parse_cmrc(document, parsed)
    elif isinstance(first, Mapping) and "paragraphs" not in first and "question" in first:
        rows.parse_rows(items or [], parsed)
    elif isinstance(document, Mapping):
        squad.parse_articles(document, parsed)
    elif isinstance(document, list) and document:
        rows.parse_rows(document, parsed)
    else:
        parsed.wrong("", "", document, "an object with 'data', as SQuAD has, or a list of questions")
