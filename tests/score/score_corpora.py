"""Corpora for the tests of scoring, made without the readers of polyspan.data."""

import json
from dataclasses import replace
from pathlib import Path

from polyspan.data.schema import Answer, Corpus, Paragraph, Question


def load(*paths: Path, language: str | None = None) -> Corpus:
    """The questions and gold texts of nested SQuAD JSON files, one after the other."""
    paragraphs = []
    for path in paths:
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for each in article["paragraphs"]:
                questions = [
                    Question(
                        qa["id"],
                        qa["question"],
                        tuple(Answer(answer["text"], int(answer["answer_start"])) for answer in qa["answers"]),
                    )
                    for qa in each["qas"]
                ]
                paragraphs.append(Paragraph(each["context"], tuple(questions)))
    return Corpus(tuple(paragraphs), language=language)


def corpus(golds: dict[str, list[str]], language: str | None = None) -> Corpus:
    """A corpus of one paragraph: question ids to their gold texts."""
    questions = tuple(
        Question(name, "?", tuple(Answer(text, 0) for text in texts), impossible=not texts)
        for name, texts in golds.items()
    )
    return Corpus((Paragraph("", questions),), language=language)


def first_answers(whole: Corpus) -> Corpus:
    """The corpus with the first gold answer of each question alone."""
    return replace(
        whole,
        paragraphs=tuple(
            replace(
                paragraph,
                questions=tuple(replace(each, answers=each.answers[:1]) for each in paragraph.questions),
            )
            for paragraph in whole.paragraphs
        ),
    )
