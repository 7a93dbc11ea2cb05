"""Nested JSON: SQuAD's articles, paragraphs and questions, and CMRC 2018's own list of contexts."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from polyspan.data.formats.format import Irregular
from polyspan.data.formats.json_stream import JsonStream
from polyspan.data.formats.parsed import Parsed, question_from, text_at, title_at
from polyspan.data.schema import Corpus, Paragraph, Question


def parse_articles(document: Mapping[Any, Any], parsed: Parsed) -> None:
    """Parse SQuAD 1.1 or 2.0 and its kin into `parsed`: DRCD, KorQuAD 1.0, CMRC, XQuAD, MLQA, TyDiQA, JaQuAD.

    Keys that polyspan has no use for (`evidences`, `answer_type`, `plausible_answers`, …) are passed over.
    """
    parsed.version = version if isinstance(version := document.get("version"), str) else ""
    parsed.say_language(document.get("language"))
    articles = _list_at(parsed, "", document, "data")
    if articles is None:
        parsed.set_aside("", document, len(parsed.faults) - 1)
        return
    for number, article in enumerate(articles):
        place, since = f"data[{number}]", len(parsed.faults)
        paragraphs = _list_at(parsed, place, article, "paragraphs")
        title = title_at(parsed, place, article) if paragraphs is not None else None
        if parsed.doubled(place, article) or paragraphs is None or title is None:
            parsed.set_aside(place, article, since)
            continue
        for index, paragraph in enumerate(paragraphs):
            _paragraph(parsed, paragraph, f"{place}.paragraphs[{index}]", title)


def stream_articles(document: JsonStream, parsed: Parsed) -> None:
    """`parse_articles` of a document that is walked through, a context with its questions at a time.

    Raises Irregular where it is not of that shape, or has a fault that is not of a context or a question.
    """
    about: dict[str, Any] = {}
    for _ in document.filled(about, "data"):
        for number in document.items():
            _stream_article(document, parsed, f"data[{number}]")
    since = len(parsed.faults)
    parsed.version = version if isinstance(version := about.get("version"), str) else ""
    parsed.say_language(about.get("language"))
    if document.peek() or not parsed.places or len(parsed.faults) > since:
        raise Irregular


def _stream_article(document: JsonStream, parsed: Parsed, place: str) -> None:
    article: dict[str, Any] = {}
    first, since, title = len(parsed.paragraphs), len(parsed.quarantine), ""
    for _ in document.filled(article, "paragraphs"):
        title = _title(parsed, article)
        for index in document.items():
            _paragraph(parsed, document.value(), f"{place}.paragraphs[{index}]", title)
    if "paragraphs" not in article:
        raise Irregular
    if (late := _title(parsed, article)) != title:  # it stands behind the paragraphs, as in KorQuAD
        parsed.paragraphs[first:] = [replace(paragraph, title=late) for paragraph in parsed.paragraphs[first:]]
        parsed.quarantine[since:] = [replace(item, title=late) for item in parsed.quarantine[since:]]


def _title(parsed: Parsed, article: Mapping[str, Any]) -> str:
    title = title_at(parsed, "", article)
    if title is None:
        raise Irregular
    return title


def parse_paragraphs(contexts: list[Any], parsed: Parsed) -> None:
    """Parse a list of contexts, each with its questions under `qas`, into `parsed`: CMRC 2018's first release.

    CMRC's own names for the keys (`context_text`, `query_id`, `query_text`) are read beside SQuAD's. An answer
    may be mere text, as all of CMRC's are. One that occurs once in its context is placed there; one that occurs
    several times is placed at the first and its question listed in `parsed.ambiguous`; one that occurs nowhere
    starts at -1.
    """
    for number, item in enumerate(contexts):
        since = len(parsed.faults)
        title = title_at(parsed, f"[{number}]", item) if isinstance(item, Mapping) else ""
        if title is None:
            parsed.set_aside(f"[{number}]", item, since)
        else:
            _paragraph(parsed, item, f"[{number}]", title)


def in_pieces(corpus: Corpus) -> Iterator[str]:
    """A corpus as a SQuAD document, in pieces of its JSON: neighbouring paragraphs of one title make one article.

    A set with an impossible question is written as 2.0, with `is_impossible` throughout. Its `language` stands
    beside the version, where other tools pass it over.
    """
    two = any(question.impossible for _, question in corpus.questions())
    language = {"language": corpus.language} if corpus.language else {}
    yield _opened({"version": "v2.0" if two else "1.1", **language}, "data")
    articles = itertools.groupby(corpus.paragraphs, key=lambda paragraph: paragraph.title)
    for number, (title, paragraphs) in enumerate(articles):
        yield ", " * (number > 0) + _opened({"title": title}, "paragraphs")
        for index, paragraph in enumerate(paragraphs):
            qas = [_as_object(question, two) for question in paragraph.questions]
            yield ", " * (index > 0) + json.dumps({"context": paragraph.context, "qas": qas}, ensure_ascii=False)
        yield "]}"
    yield "]}"


def as_articles(corpus: Corpus) -> dict[str, Any]:
    """A corpus as a SQuAD document, as `in_pieces` writes it."""
    document: dict[str, Any] = json.loads("".join(in_pieces(corpus)))
    return document


def _opened(known: Mapping[str, Any], key: str) -> str:
    """An object as JSON, up to the first item of a list that is its last value."""
    return f"{json.dumps(known, ensure_ascii=False)[:-1]}, {json.dumps(key)}: ["


def _as_object(question: Question, two: bool) -> dict[str, Any]:
    answers = [{"text": answer.text, "answer_start": answer.start} for answer in question.answers]
    flag = {"is_impossible": question.impossible} if two else {}
    return {"id": question.id, "question": question.text, "answers": answers, **flag}


def _paragraph(parsed: Parsed, raw: Any, place: str, title: str) -> None:
    since = len(parsed.faults)
    qas = _list_at(parsed, place, raw, "qas")
    context = None
    if isinstance(raw, Mapping):
        context = text_at(parsed, place, raw, "context_text" if "context_text" in raw else "context")
    if parsed.doubled(place, raw) or qas is None or context is None:
        parsed.set_aside(place, raw, since, title)
        return
    questions: list[Question] = []
    for index, item in enumerate(qas):
        since = len(parsed.faults)
        question = question_from(parsed, item, context, f"{place}.qas[{index}]")
        if question is None:
            parsed.set_aside(f"{place}.qas[{index}]", item, since, title, context)
        else:
            questions.append(question)
    parsed.paragraphs.append(Paragraph(context, tuple(questions), title))
    parsed.places.append(place)


def _list_at(parsed: Parsed, place: str, holder: Any, key: str) -> list[Any] | None:
    if not isinstance(holder, Mapping):
        parsed.wrong(place, "", holder, f"an object with {key!r}")
        return None
    value = holder.get(key)
    if value is None:
        parsed.missing(place, key, holder)
        return None
    if not isinstance(value, list):
        parsed.wrong(place, key, value, "a list")
        return None
    return value
