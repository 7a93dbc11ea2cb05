"""Which passages are read: terms of any script, BM25, vectors kept by content, and what decides between them."""

import numpy as np
import pytest

from polyspan.ask.ranking import embeddings
from polyspan.ask.ranking.embeddings import embed
from polyspan.ask.ranking.index import Index
from polyspan.ask.ranking.lexical import WordIndex
from polyspan.ask.ranking.terms import terms
from polyspan.data import cache
from polyspan.errors import UsageError
from polyspan.model.encoders.bert import PlainBert
from polyspan.model.encoders.encoder import load_encoder

LIBRARY = [
    "The mill at Arnfeld was built in 1840 by Bente Roos.",
    "The pump may be run dry for at most ten seconds.",
    "東京タワーは一九五八年に建てられた。",
    "서울역은 1925년에 완공되었다.",
    "",
    "A chess club meets on Fridays in the old library.",
]


@pytest.fixture
def tiny_encoder(tiny, monkeypatch):
    """The tiny encoder in place of the bundled one; gives the texts that were computed."""
    model, tokenizer = load_encoder(tiny)
    plain = PlainBert(model.config.to_dict(), model.state_dict())
    monkeypatch.setattr(embeddings, "_encoder", lambda: (plain, tokenizer))
    computed: list[str] = []
    whole = embeddings._computed

    def counted(texts, kind):
        computed.extend(texts)
        return whole(texts, kind)

    monkeypatch.setattr(embeddings, "_computed", counted)
    return computed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Mill, a MILL", ["the", "mill", "_mil", "mill", "ill_", "a", "mill", "_mil", "mill", "ill_"]),
        ("ﬁsh Ｆ1", ["fish", "_fis", "fish", "ish_", "f1"]),
        ("東京は", ["東", "京", "東京", "は", "京は"]),
        ("東 京", ["東", "京"]),
        ("서울역은 1925년", ["서울", "울역", "역은", "1925", "_192", "1925", "925_", "년"]),
        ("हिन्दी", ["हिन्दी", "_हिन", "हिन्", "िन्द", "न्दी", "्दी_"]),
        ("ที่นี่", ["ที่", "นี่", "ที่นี่"]),
        (" … 👍 \ud83d", []),
    ],
)
def test_terms(text, expected):
    assert terms(text) == expected


def test_words_find_inflected_forms_in_any_script():
    index = Index(LIBRARY, "bm25")
    for question, place in (
        ("Who was building the MILLS?", 0),
        ("how many seconds can pumps be dry", 1),
        ("東京のタワーはいつ？", 2),
        ("서울역 완공", 3),
        ("Which club plays chess?", 5),
    ):
        assert index.best(question, 1) == [place], question


def test_a_share_of_the_question_is_below_one_and_nothing_shared_is_zero():
    words = WordIndex(LIBRARY)
    assert words.scores("完成").max() == 0
    assert words.scores("…").tolist() == [0] * len(LIBRARY)
    assert 0 < words.scores("the pump").max() < 1
    assert words.scores("the pump").max() > words.scores("the pump of unheard origin").max()
    assert WordIndex(["", "…"]).scores("the pump").tolist() == [0, 0]


def test_nothing_is_ranked_where_all_is_read(monkeypatch):
    monkeypatch.setattr(Index, "scores", None)
    assert Index(LIBRARY).best("anything", len(LIBRARY)) == [0, 1, 2, 3, 4, 5]
    assert Index([]).best("anything", 3) == []
    assert Index(LIBRARY).best_of_each([], 3) == []


def test_equal_passages_keep_their_order(tiny_encoder):
    for by in ("bm25", "embeddings", "both"):
        assert Index(["same text"] * 5, by).best("same", 3) == [0, 1, 2]


def test_clear_words_need_no_vectors_and_others_do(tiny_encoder):
    index = Index(LIBRARY)
    assert index.best("Was the mill at Arnfeld built by Bente Roos?", 2)[0] == 0
    assert tiny_encoder == []
    found = index.best_of_each(["Was the mill at Arnfeld built by Bente Roos?", "¿Cuándo se fundó?"], 2)
    assert sorted(tiny_encoder) == sorted([*LIBRARY, "¿Cuándo se fundó?"])
    assert found == [
        Index(LIBRARY, by).best(question, 2)
        for question, by in (
            ("Was the mill at Arnfeld built by Bente Roos?", "bm25"),
            ("¿Cuándo se fundó?", "both"),
        )
    ]


def test_both_adds_a_quarter_of_the_share_to_the_cosine(tiny_encoder):
    question = "the mill"
    one, other, both = (Index(LIBRARY, by).scores([question])[0] for by in ("bm25", "embeddings", "both"))
    assert both == pytest.approx(other + one / 4)


def test_vectors_are_kept_by_content(tiny_encoder, monkeypatch):
    first = embed(LIBRARY, "passage")
    assert first.shape == (len(LIBRARY), 32)
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-3)
    tiny_encoder.clear()
    again = embed(["new", *LIBRARY[::-1], "new"], "passage")
    assert tiny_encoder == ["new"]
    assert np.array_equal(again[1:-1], first[::-1])
    assert np.array_equal(again[0], again[-1])
    tiny_encoder.clear()
    assert not np.array_equal(embed(LIBRARY[:1], "query"), first[:1])  # another prefix
    assert tiny_encoder == LIBRARY[:1]
    assert [(row["room"], row["entries"]) for row in cache.listing()] == [("embeddings", 8)]
    monkeypatch.setenv("POLYSPAN_CACHE", "/dev/null")  # a cache that cannot be used costs time alone
    assert np.array_equal(embed(LIBRARY, "passage"), first)


def test_what_stands_beside_a_text_does_not_change_its_vector(tiny_encoder, monkeypatch):
    together = embeddings._computed(LIBRARY, "passage")
    alone = np.concatenate([embeddings._computed([text], "passage") for text in LIBRARY])
    assert together == pytest.approx(alone, abs=1e-5)


def test_a_long_text_is_computed_whole(tiny_encoder):
    """The mean over all stretches: pieces behind the encoder's last position count too."""
    _, tokenizer = embeddings._encoder()
    tokenizer.model_max_length, before = 40, tokenizer.model_max_length
    try:
        start = "the cup was won by leeds " * 20
        one, other = embeddings._computed([start + "in 1920", start + "by hull"], "passage")
    finally:
        tokenizer.model_max_length = before
    assert not np.allclose(one, other)


@pytest.mark.parametrize(("by", "top"), [("bm25", 0), ("words", 1)])
def test_wrong_use(by, top):
    with pytest.raises(UsageError):
        Index(LIBRARY, by).best("who", top)


@pytest.mark.bundled
def test_questions_in_other_languages_find_their_passage():
    index = Index(LIBRARY)
    assert 4 not in index.best("방앗간은 언제 지어졌습니까?", 5)  # it is empty
    assert index.best("¿Cuántos segundos puede funcionar la bomba en seco?", 1) == [1]
    assert index.best("Quand la tour de Tokyo a-t-elle été construite ?", 1) == [2]
