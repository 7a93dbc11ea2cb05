"""Grafting: new pieces that the tokenizer uses, rows in the encoder's own range, everything old as it was."""

import json

import numpy as np
import pytest
import torch

import polyspan as ps
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.vocabulary.cooccurrence import corpus_vectors
from polyspan.model.vocabulary.graft import graft
from polyspan.model.vocabulary.projection import project
from polyspan.model.vocabulary.word_vectors import WordVectors
from polyspan.model.windows.tokens import tokenise

OPTIONS = ps.WindowOptions(max_length=64, stride=16)
WORDS = ("台", "北", "在", "Fußball", "fußball", "the", "[CLS]", "台北", "학교", "é1")
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ROBERTA = {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}


def some_vectors(words=WORDS, width=6):
    return WordVectors(words, np.random.default_rng(1).normal(2.0, 3.0, (len(words), width)).astype(np.float32))


def test_new_pieces_of_wordpiece_are_used(tiny, tmp_path):
    corpus = ps.Corpus((ps.Paragraph("台北在東京，Fußball 학교 the", (ps.Question("1", "台?"),)),))
    found = graft(tiny, some_vectors(), tmp_path / "new", corpora=[corpus])
    assert (found.added, found.shared, found.folded, found.unusable) == (5, 2, 1, 2)
    assert found.used == 4  # but for é1
    assert found.before.known_characters < 80
    assert found.after.unknown == 1  # the comma
    old, new = (ps.Reader.load(folder, OPTIONS) for folder in (tiny, tmp_path / "new"))
    assert new.fresh_head
    pieces = new.tokenizer.convert_ids_to_tokens(tokenise(["在台北 FUSSBALL Fußball"], new.tokenizer).ids)
    assert pieces[:3] == ["在", "台", "北"]
    assert pieces[-1] == "fußball"
    size = len(old.tokenizer)
    tables = [reader.model.get_input_embeddings().weight.detach() for reader in (old, new)]
    assert torch.equal(tables[1][:size], tables[0][:size])
    assert len(tables[1]) == len(new.tokenizer) == new.model.config.vocab_size == size + 5
    text = "the cup was won by leeds"
    assert np.array_equal(tokenise([text], old.tokenizer).ids, tokenise([text], new.tokenizer).ids)
    record = json.loads((tmp_path / "new" / "graft.json").read_text("utf-8"))
    assert record["added"] == 5
    assert record["projection"] == "pca"


def test_offsets_and_training_after_a_graft(tiny, corpus, tmp_path):
    graft(tiny, some_vectors(), tmp_path / "new")
    settings = ps.TrainSettings(learning_rate=1e-3, batch_size=4, epochs=1, windows=OPTIONS)
    reader = ps.train([corpus], str(tmp_path / "new"), tmp_path / "reader", settings)
    text = "在 台北, FUßBALL!"
    starts, ends = tokenise([text], reader.tokenizer).spans(0)
    cut = [text[a:b] for a, b in zip(starts, ends, strict=True)]
    assert cut == ["在", "台", "北", ",", "FUßBALL", "!"]
    again = graft(str(tmp_path / "reader"), some_vectors(("臺", "灣")), tmp_path / "more")
    assert again.added == 2
    more = ps.Reader.load(tmp_path / "more")
    assert not more.fresh_head
    assert more.options == OPTIONS
    for paragraph, question in corpus.questions():
        assert more.answers(question.text, paragraph.context) == reader.answers(question.text, paragraph.context)


def test_unigram(save_encoder, tmp_path):
    folder = save_encoder("XLMRoberta", "unigram", SIZE | ROBERTA, tmp_path / "encoder")
    words = ("cups", "台", "台北", "東京", "Übung")
    found = graft(folder, some_vectors(words), tmp_path / "new")
    assert (found.added, found.shared) == (4, 1)
    tokenizer = ps.Reader.load(tmp_path / "new", OPTIONS).tokenizer
    text = "the cups, 在台北東京"
    tokens = tokenise([text], tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(tokens.ids)
    assert {"▁cups", "台北", "東京", "▁the"} <= set(pieces)
    cut = [text[a:b] for a, b in zip(*tokens.spans(0), strict=True)]
    assert "".join(cut) == text.replace(" ", "")


def test_byte_bpe_is_refused(save_encoder, tmp_path):
    folder = save_encoder("Roberta", "byte_bpe", SIZE | ROBERTA, tmp_path / "encoder")
    with pytest.raises(PolyspanError, match="a BPE tokenizer takes no new words"):
        graft(folder, some_vectors(), tmp_path / "new")


@pytest.mark.parametrize("name", ["pca", "random", "least_squares"])
@pytest.mark.parametrize(("width", "wanted"), [(6, 10), (10, 6), (6, 6)])
def test_mean_and_spread_are_the_encoder_s(name, width, wanted):
    generator = np.random.default_rng(0)
    vectors = generator.normal(5, 3, (40, width)).astype(np.float32)
    embeddings = generator.normal(-1, 0.02, (50, wanted)).astype(np.float32)
    mapped = project(name, vectors, embeddings, (vectors[:30], embeddings[:30]))
    assert mapped.shape == (40, wanted)
    assert mapped.dtype == np.float32
    assert np.allclose(mapped.mean(0), embeddings.mean(0), atol=1e-5)
    spread = [np.sqrt(((x - x.mean(0)) ** 2).mean()) for x in (mapped, embeddings)]
    assert spread[0] == pytest.approx(spread[1], rel=1e-4)
    if name != "least_squares" and width <= wanted:  # distances keep their proportions
        far = [np.linalg.norm(x[1:] - x[0], axis=1) for x in (mapped, vectors)]
        assert np.allclose(far[0] / far[0][0], far[1] / far[1][0], rtol=1e-3)
    again = project(name, vectors, embeddings, (vectors[:30], embeddings[:30]))
    assert np.array_equal(mapped, again)


def test_least_squares_finds_the_map_that_there_is():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(500, 8))
    mapping, shift = generator.normal(size=(8, 12)), generator.normal(size=12)
    whole = vectors @ mapping + shift
    known = slice(0, 100)
    pairs = (vectors[known].astype(np.float32), whole[known].astype(np.float32))
    mapped = project("least_squares", vectors.astype(np.float32), whole.astype(np.float32), pairs)
    assert np.allclose(mapped, whole, atol=1e-3)


def test_pca_lays_axis_on_axis():
    generator = np.random.default_rng(0)
    spread = np.array([9.0, 4.0, 1.0])
    vectors = (generator.normal(size=(4000, 3)) * spread).astype(np.float32)
    embeddings = (generator.normal(size=(4000, 5)) * [1, 8, 2, 1e-3, 4]).astype(np.float32)
    mapped = project("pca", vectors, embeddings, (vectors[:0], embeddings[:0]))
    assert np.argsort(-mapped.std(0))[:3].tolist() == [1, 4, 2]


def test_mistakes(tiny, tmp_path):
    calls = {
        "projection": (UsageError, {"projection": "pa"}),
        "most must be": (UsageError, {"most": 0}),
        "too few words with vectors": (PolyspanError, {"projection": "least_squares"}),
        "none of the words is new": (PolyspanError, {"vectors": some_vectors(("the", "cup", "台北"))}),
    }
    for message, (kind, options) in calls.items():
        with pytest.raises(kind, match=message):
            graft(tiny, out=tmp_path / "new", **{"vectors": some_vectors()} | options)
    assert not (tmp_path / "new").exists()
    assert graft(tiny, some_vectors(), tmp_path / "new", most=2).added == 2


def test_vectors_of_a_corpus_find_what_stands_alike():
    """Two sets of words that occur in the same places: nearest neighbours are of the same set."""
    generator = np.random.default_rng(0)
    cities, numbers = ([f"{kind}{n}" for n in range(12)] for kind in ("city", "number"))
    lines = []
    for _ in range(600):
        city, number = generator.choice(cities), generator.choice(numbers)
        lines.append(f"they went to {city} with {number} of their friends")
    corpus = ps.Corpus((ps.Paragraph(" . . . . . ".join(lines), ()),), "lines", "en")
    found = corpus_vectors([corpus], width=8, window=2)
    unit = found.matrix / np.linalg.norm(found.matrix, axis=1, keepdims=True)
    rows = found.rows()
    near = unit[[rows[city] for city in cities]] @ unit.T
    for city, similar in zip(cities, near, strict=True):
        best = [found.words[row] for row in np.argsort(-similar) if found.words[row] != city][:5]
        assert sum(word in cities for word in best) >= 4, (city, best)
    assert found.words[0] == "."
    assert (found.matrix**2).sum(1).mean() == pytest.approx(1, rel=1e-4)
    again = corpus_vectors([corpus], width=8, window=2)
    assert np.array_equal(found.matrix, again.matrix)
    with pytest.raises(PolyspanError, match="too little text"):
        corpus_vectors([corpus], width=300)
    with pytest.raises(UsageError, match="must be at least 1"):
        corpus_vectors([corpus], width=0)
