"""A trimmed encoder: the same pieces and outputs on the texts it was cut for, <unk> counted elsewhere."""

import json

import pytest
import transformers

import polyspan as ps
from polyspan.errors import UsageError
from polyspan.model.vocabulary.trim import trim
from polyspan.model.windows.tokens import tokenise

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ROBERTA = {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}
FAMILIES = {
    "Bert": ("wordpiece", SIZE | {"max_position_embeddings": 128}),
    "XLMRoberta": ("unigram", SIZE | ROBERTA),
    "Roberta": ("byte_bpe", SIZE | ROBERTA),
}
DECODER = SIZE | {"num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 128}
DECODER |= {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": [2]}
FAMILIES["Qwen3"] = ("endless", DECODER)
FAMILIES["Gemma3Text"] = ("begun", DECODER)  # whose table multiplies its rows
OPTIONS = ps.WindowOptions(max_length=64, stride=16)


@pytest.fixture(params=FAMILIES)
def encoder(request, save_encoder, tmp_path) -> str:
    return save_encoder(request.param, *FAMILIES[request.param], tmp_path / "encoder")


def test_covered_text_has_the_same_outputs(encoder, corpus, tmp_path):
    ps.Reader.load(encoder, OPTIONS).save(encoder)  # a Reader, with its head
    corpus = ps.Corpus(corpus.paragraphs[1:], "two", "en", None)
    cut = trim(encoder, tmp_path / "small", [corpus])
    whole, small = ps.Reader.load(encoder), ps.Reader.load(tmp_path / "small")
    assert cut.pieces[1] < cut.pieces[0]
    assert cut.parameters[1] < cut.parameters[0]
    assert small.options == whole.options == OPTIONS
    assert small.model.config.vocab_size == len(small.tokenizer) == cut.pieces[1]
    for paragraph, question in corpus.questions():
        one, two = (reader.answers(question.text, paragraph.context) for reader in (whole, small))
        assert one == two
    assert json.loads((tmp_path / "small" / "trim.json").read_text())["pieces"] == list(cut.pieces)


def test_other_text_becomes_unknown_and_is_counted(encoder, corpus, tmp_path):
    trim(encoder, tmp_path / "small", [ps.Corpus(corpus.paragraphs[:1], "one", "en", None)])
    small = ps.Reader.load(tmp_path / "small", OPTIONS)
    found = ps.predict(small, corpus)
    assert found.pieces > 0
    if type(small.tokenizer.backend_tokenizer.model).__name__ != "BPE":  # bytes are always known
        assert found.unknown > ps.predict(ps.Reader.load(encoder, OPTIONS), corpus).unknown
    assert set(found.texts) == {question.id for _, question in corpus.questions()}


def test_words_that_fail_in_wordpiece_fail_still(wordpiece, tiny, tmp_path):
    context = "the cupé cup§ wons abdfgijklmqrxyz."
    corpus = ps.Corpus(
        (ps.Paragraph(context, (ps.Question("1", "the", (ps.Answer("the", 0),)),)),), "x", "en", None
    )
    trim(tiny, tmp_path / "small", [corpus])
    small = ps.Reader.load(tmp_path / "small", OPTIONS).tokenizer
    assert small.convert_ids_to_tokens(tokenise([context], small).ids) == wordpiece.convert_ids_to_tokens(
        tokenise([context], wordpiece).ids
    )


def test_languages_keep_their_scripts(tmp_path, unigram):
    config = transformers.XLMRobertaConfig(vocab_size=len(unigram), **SIZE, **ROBERTA)
    transformers.XLMRobertaModel(config).save_pretrained(tmp_path / "encoder")
    unigram.save_pretrained(tmp_path / "encoder")
    trim(str(tmp_path / "encoder"), tmp_path / "korean", languages=["kor"])
    kept = set(ps.Reader.load(tmp_path / "korean", OPTIONS).tokenizer.get_vocab())
    assert {"한", "국", "어", "1", ".", "<s>"} <= kept
    assert not {"b", "我", "東京", "▁the"} & kept  # "a" has the lowest score of all and stays


def test_mistakes(tiny, tmp_path):
    with pytest.raises(UsageError, match="nothing says"):
        trim(tiny, tmp_path / "small")
    with pytest.raises(UsageError, match="language"):
        trim(tiny, tmp_path / "small", languages=["xx"])
    with pytest.raises(UsageError, match="script of the language 'qaa'"):
        trim(tiny, tmp_path / "small", languages=["qaa"])
    assert not (tmp_path / "small").exists()
