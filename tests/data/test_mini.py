"""The mini corpus keeps its promises: exact offsets, parallel in five languages, large and varied enough."""

import re
import unicodedata
from collections import Counter
from typing import Any

import pytest

from polyspan.data import mini
from polyspan.data.languages import sentence_space
from polyspan.errors import PolyspanError, UsageError

SIZES = {"train": (40, 240), "test": (16, 96)}
KINDS = {"person", "place", "date", "number", "thing", "clause", "event", "reason", "group"}
WORD = re.compile(r"[^\W\d_]+")


@pytest.fixture(params=SIZES)
def split(request: pytest.FixtureRequest) -> str:
    """Each split in turn."""
    return str(request.param)


@pytest.fixture
def rows(split: str) -> list[dict[str, Any]]:
    """The stored rows of the split."""
    return mini.rows(split)


@pytest.mark.parametrize("language", mini.LANGUAGES)
def test_every_offset_is_exact(split: str, language: str) -> None:
    corpus = mini.load(language, split)
    assert (corpus.name, corpus.language) == (f"mini:{language}/{split}", mini.LANGUAGES[language])
    for paragraph, question in corpus.questions():
        (answer,) = question.answers
        assert paragraph.context[answer.start : answer.end] == answer.text, question.id
        assert answer.text == answer.text.strip()
        assert answer.text
        assert question.text


def test_an_answer_stands_once_in_the_sentence_it_names(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for question in row["questions"]:
            for language in mini.LANGUAGES:
                sentences, answer = row["sentences"][language], question["answer"][language]
                sentence = sentences[question["sentence"]]
                before = sentence_space(language).join(sentences[: question["sentence"] + 1])
                assert sentence.count(answer["text"]) == 1, (question["id"], language)
                start = len(before) - len(sentence) + sentence.index(answer["text"])
                assert start == answer["start"], (question["id"], language)


def test_size(split: str, rows: list[dict[str, Any]]) -> None:
    paragraphs, questions = SIZES[split]
    assert len(rows) >= paragraphs
    assert sum(len(row["questions"]) for row in rows) >= questions
    assert all(len(row["questions"]) == 6 for row in rows)


def test_ids_are_the_same_in_every_language(split: str) -> None:
    ids = {
        language: [question.id for _, question in mini.load(language, split).questions()]
        for language in mini.LANGUAGES
    }
    assert len(set(ids["en"])) == len(ids["en"])
    assert all(of_language == ids["en"] for of_language in ids.values())


def test_train_and_test_share_no_paragraph() -> None:
    assert not {row["id"] for row in mini.rows("train")} & {row["id"] for row in mini.rows("test")}
    for language in mini.LANGUAGES:
        contexts = [p.context for split in SIZES for p in mini.load(language, split).paragraphs]
        assert len(set(contexts)) == len(contexts)


def test_rows_are_in_order_and_complete(rows: list[dict[str, Any]]) -> None:
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    for row in rows:
        assert list(row["title"]) == list(row["sentences"]) == list(mini.LANGUAGES)
        assert [question["id"] for question in row["questions"]] == [f"{row['id']}-{n}" for n in range(1, 7)]


def test_sentences_are_parallel(split: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert len({len(sentences) for sentences in row["sentences"].values()}) == 1, row["id"]
    memory = mini.sentences(split)
    assert len(memory) == sum(len(row["sentences"]["en"]) for row in rows)
    for line in memory:
        assert list(line) == ["id", "index", *mini.LANGUAGES]
        assert all(line[language] for language in mini.LANGUAGES)


def test_texts_are_composed_and_clean(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for string in _strings(row):
            assert unicodedata.is_normalized("NFC", string), row["id"]
            assert not any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") for char in string), string


def test_english_paragraphs_have_60_to_120_words(split: str) -> None:
    for paragraph in mini.load("en", split).paragraphs:
        assert 60 <= len(paragraph.context.split()) <= 120, paragraph.title


def test_answers_are_varied(rows: list[dict[str, Any]]) -> None:
    kinds = Counter(question["kind"] for row in rows for question in row["questions"])
    assert set(kinds) <= KINDS
    assert len(kinds) >= 6
    assert max(kinds.values()) <= 0.45 * kinds.total()


@pytest.mark.parametrize("language", [code for code in mini.LANGUAGES if code != "en"])
def test_word_lists_cover_the_english_vocabulary(language: str) -> None:
    try:
        path = mini.dictionary(language)
    except PolyspanError:
        pytest.skip(f"words.en-{language}.txt is not written yet")
    pairs = [line.split(" ") for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert all(len(pair) == 2 and all(pair) for pair in pairs)
    known = {source for source, _ in pairs}
    vocabulary = {
        word
        for split in SIZES
        for paragraph, question in mini.load("en", split).questions()
        for word in WORD.findall(f"{paragraph.context} {question.text}".lower())
    }
    missing = sorted(vocabulary - known)
    assert len(missing) <= 0.05 * len(vocabulary), missing[:40]


def test_full_tags_are_understood() -> None:
    assert mini.load("zh-Hant", "test") == mini.load("zh", "test")


@pytest.mark.parametrize(("language", "split"), [("de", "test"), ("", "test"), ("en", "dev"), ("en", "../x")])
def test_an_unknown_language_or_split_is_named(language: str, split: str) -> None:
    with pytest.raises(UsageError, match="has no"):
        mini.load(language, split)


def test_english_has_no_word_list() -> None:
    with pytest.raises(UsageError, match="from English"):
        mini.dictionary("en")


def _strings(row: dict[str, Any]) -> list[str]:
    found = [*row["title"].values(), *(s for sentences in row["sentences"].values() for s in sentences)]
    for question in row["questions"]:
        found += [*question["question"].values(), *(answer["text"] for answer in question["answer"].values())]
    return found
