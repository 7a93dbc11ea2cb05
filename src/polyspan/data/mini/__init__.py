"""The mini corpus: this project's own parallel reading comprehension data, in five languages (CC0)."""

import contextlib
import json
from pathlib import Path
from typing import Any

from polyspan.data.languages import language_tag, sentence_space
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError, nearest

LANGUAGES = {"en": "en", "zh": "zh-Hant", "ko": "ko", "ja": "ja", "fr": "fr"}
"""The languages by the short name used in `mini:zh/test`, with their full tags."""

SPLITS = ("train", "test")

_FOLDER = Path(__file__).parent


def load(language: str, split: str) -> Corpus:
    """The corpus `mini:LANGUAGE/SPLIT`. Ids are the same in every language.

    `language` is a short name or a full tag (`zh`, `zh-Hant`); `split` is `train` or `test`.
    Raises UsageError for any other.
    """
    short = _short(language)
    paragraphs = tuple(_paragraph(row, short) for row in rows(split))
    return Corpus(
        paragraphs=paragraphs,
        name=f"mini:{short}/{split}",
        language=LANGUAGES[short],
        source="bundled",
    )


def rows(split: str) -> list[dict[str, Any]]:
    """The paragraphs of a split as they are stored, all languages together, in order of their ids.

    A row has `id`, `title` {language: text}, `sentences` {language: [text, …]} and `questions`: each with `id`,
    `kind` of answer, `sentence` (the index of the one that answers it), `question` {language: text} and `answer`
    {language: {"text", "start"}}, where `start` counts code points of the joined sentences.
    """
    if split not in SPLITS:
        raise UsageError(f"the mini corpus has no split {split!r}", fix=nearest(split, SPLITS))
    return [json.loads(line) for line in file(split).read_text(encoding="utf-8").split("\n") if line]


def file(split: str) -> Path:
    """The file that holds a split in all languages: JSON Lines."""
    return _present(f"{split}.jsonl")


def sentences(split: str) -> list[dict[str, Any]]:
    """The translation memory of a split: a row a sentence, with paragraph `id`, `index` and a text a language."""
    return [
        {"id": row["id"], "index": index, **{short: row["sentences"][short][index] for short in LANGUAGES}}
        for row in rows(split)
        for index in range(len(row["sentences"]["en"]))
    ]


def dictionary(language: str) -> Path:
    """The word list from English into another of the languages: UTF-8, a line `source target` a pair."""
    short = _short(language)
    if short == "en":
        raise UsageError("the word lists go from English into another language", found=language)
    return _present(f"words.en-{short}.txt")


def trees() -> Path:
    """Dependency trees of all English texts, contexts and questions, as CoNLL-U; made by a parser, not by hand."""
    return _present("trees.en.conllu")


def _short(language: str) -> str:
    with contextlib.suppress(UsageError):
        language = language_tag(language) or language
    for short, tag in LANGUAGES.items():
        if language in (short, tag):
            return short
    raise UsageError(f"the mini corpus has no language {language!r}", fix=nearest(language, LANGUAGES))


def _present(name: str) -> Path:
    path = _FOLDER / name
    if not path.is_file():
        raise PolyspanError(
            "a part of the mini corpus is missing from this installation",
            where=str(path),
            fix="install polyspan again: pip install --force-reinstall --no-deps . in its repository",
        )
    return path


def _paragraph(row: dict[str, Any], short: str) -> Paragraph:
    questions = tuple(
        Question(
            id=question["id"],
            text=question["question"][short],
            answers=(Answer(question["answer"][short]["text"], question["answer"][short]["start"]),),
        )
        for question in row["questions"]
    )
    return Paragraph(sentence_space(short).join(row["sentences"][short]), questions, row["title"][short])
