"""Encoders of other families: each loads, learns, answers, and answers the same after saving."""

import pytest
import torch
import transformers

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.answers import AnswerOptions
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ROBERTA = {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}
FAMILIES = {
    "Roberta": ("byte_bpe", SIZE | ROBERTA),
    "XLMRoberta": ("unigram", SIZE | ROBERTA),
    "ModernBert": ("byte_bpe", SIZE | {"max_position_embeddings": 256, "pad_token_id": 1, "local_attention": 16}),
    "DistilBert": ("wordpiece", {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2}),
    "DebertaV2": ("wordpiece", SIZE | {"relative_attention": True, "position_buckets": 16, "type_vocab_size": 0}),
    "Electra": ("wordpiece", SIZE | {"embedding_size": 16}),
}
WINDOWS = WindowOptions(max_length=64, stride=16)


@pytest.fixture(params=FAMILIES)
def encoder(request, save_encoder, tmp_path) -> str:
    return save_encoder(request.param, *FAMILIES[request.param], tmp_path / "encoder")


def test_every_family_trains_and_answers(encoder, corpus, tmp_path):
    settings = TrainSettings(learning_rate=1e-3, batch_size=4, epochs=2, dropout=0.0, windows=WINDOWS)
    reader = train([corpus], encoder, tmp_path / "reader", settings)
    again = Reader.load(tmp_path / "reader")
    for paragraph, question in corpus.questions():
        found = reader.answers(question.text, paragraph.context, AnswerOptions(n_best=10))
        assert found == again.answers(question.text, paragraph.context, AnswerOptions(n_best=10))
        assert len({(candidate.start, candidate.end) for candidate in found}) == len(found)
        for candidate in found:
            assert candidate.text == paragraph.context[candidate.start : candidate.end]
            assert candidate.text.strip() == candidate.text != ""


def test_positions_of_roberta_start_after_the_padding(byte_bpe, tmp_path):
    config = transformers.RobertaConfig(vocab_size=len(byte_bpe), **SIZE, **ROBERTA)
    transformers.RobertaModel(config).save_pretrained(tmp_path)
    byte_bpe.save_pretrained(tmp_path)
    Reader.load(tmp_path, WindowOptions(max_length=128))
    with pytest.raises(UsageError, match="too long"):
        Reader.load(tmp_path, WindowOptions(max_length=129))


def test_a_model_with_another_head_gets_a_span_head(wordpiece, tmp_path):
    config = transformers.BertConfig(vocab_size=len(wordpiece), **SIZE, num_labels=3)
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    wordpiece.save_pretrained(tmp_path)
    assert Reader.load(tmp_path, WINDOWS).answer("who won", "the cup").text


def test_a_folder_without_a_tokenizer_is_refused(tiny, tmp_path):
    import shutil

    without = shutil.ignore_patterns("tokenizer*", "vocab*", "special*")
    folder = shutil.copytree(tiny, tmp_path / "bare", ignore=without)
    with pytest.raises(PolyspanError, match="no tokenizer of its own"):
        Reader.load(folder, WINDOWS)


def test_loading_leaves_the_caller_s_random_numbers(tiny):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_encoder(tiny, seed=1)
    assert torch.equal(torch.rand(3), expected)
    with pytest.raises(UsageError, match="seed"):
        load_encoder(tiny, seed=-1)
