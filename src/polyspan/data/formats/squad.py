"""Nested JSON: SQuAD's articles, paragraphs and questions, and CMRC 2018's own list of contexts."""

from collections.abc import Mapping
from typing import Any

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


def as_articles(corpus: Corpus) -> dict[str, Any]:
    """A corpus as a SQuAD document: neighbouring paragraphs of one title make one article.

    A set with an impossible question is written as 2.0, with `is_impossible` throughout. Its `language` stands
    beside the version, where other tools pass it over.
    """
    two = any(question.impossible for _, question in corpus.questions())
    data: list[dict[str, Any]] = []
    for paragraph in corpus.paragraphs:
        if not data or data[-1]["title"] != paragraph.title:
            data.append({"title": paragraph.title, "paragraphs": []})
        qas = [_as_object(question, two) for question in paragraph.questions]
        data[-1]["paragraphs"].append({"context": paragraph.context, "qas": qas})
    language = {"language": corpus.language} if corpus.language else {}
    return {"version": "v2.0" if two else "1.1", **language, "data": data}


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
