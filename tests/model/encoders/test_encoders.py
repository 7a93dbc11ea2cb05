"""Encoders of other families: each loads, learns, answers, and answers the same after saving."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.answers import AnswerOptions, answer_corpus
from polyspan.model.batch import collate
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.prediction import predict
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ROBERTA = {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}
DECODER = SIZE | {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
DECODER |= {"max_position_embeddings": 256, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
LOCAL = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
FAMILIES = {
    "Roberta": ("byte_bpe", SIZE | ROBERTA),
    "XLMRoberta": ("unigram", SIZE | ROBERTA),
    "ModernBert": ("byte_bpe", SIZE | {"max_position_embeddings": 256, "pad_token_id": 1, "local_attention": 16}),
    "DistilBert": ("wordpiece", {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2}),
    "DebertaV2": ("wordpiece", SIZE | {"relative_attention": True, "position_buckets": 16, "type_vocab_size": 0}),
    "Electra": ("wordpiece", SIZE | {"embedding_size": 16}),
    "Qwen3": ("endless", DECODER | {"use_sliding_window": True} | LOCAL),
    "Llama": ("begun", DECODER),
    "Gemma3Text": ("begun", DECODER | LOCAL),
    "EuroBert": ("begun", DECODER),
    "Gte": ("wordpiece", SIZE),
    "NomicBert": ("wordpiece", SIZE),
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
        for candidate in (one for one in found if one.text):
            assert candidate.text == paragraph.context[candidate.start : candidate.end]
            assert candidate.text.strip() == candidate.text != ""


def test_a_head_of_our_own_is_loaded_by_transformers_too(save_encoder, corpus, tmp_path):
    encoder = save_encoder("EuroBert", *FAMILIES["EuroBert"], tmp_path / "encoder")
    reader = Reader.load(encoder, WINDOWS, seed=3)
    assert reader.fresh_head
    assert type(reader.model).__name__ == "EuroBertForQuestionAnswering"
    with pytest.raises(AssertionError):  # a head is drawn from the seed
        torch.testing.assert_close(
            reader.model.qa_outputs.weight, Reader.load(encoder, WINDOWS, seed=4).model.qa_outputs.weight
        )
    (tmp_path / "reader").mkdir()
    reader.save(tmp_path / "reader")
    saved = load_file(tmp_path / "reader" / "model.safetensors")
    assert {"qa_outputs.weight", "qa_outputs.bias", "model.embed_tokens.weight"} <= saved.keys()
    again = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "reader")
    ids = torch.arange(20, 40)[None]
    assert again(ids).start_logits.allclose(reader.model(ids).start_logits, atol=1e-6)
    assert not Reader.load(tmp_path / "reader").fresh_head


@pytest.mark.parametrize(
    ("family", "head"),
    [
        ("Qwen3", "Qwen3ForCausalLM"),
        ("Llama", "LlamaForCausalLM"),
        ("Gemma3Text", "Gemma3ForCausalLM"),
        ("EuroBert", "EuroBertForMaskedLM"),
        ("Gte", "GteForMaskedLM"),
        ("NomicBert", "NomicBertForMaskedLM"),
    ],
)
def test_the_weights_of_a_language_model_are_read(family, head, request, tmp_path):
    """What is on the hub: transformers' span head knows them by other names than a causal language model's."""
    tokenizer, options = FAMILIES[family]
    pieces = request.getfixturevalue(tokenizer)
    config = getattr(transformers, f"{family}Config")(vocab_size=len(pieces), **options)
    written = getattr(transformers, head)(config)
    for folder in ("model", "reader"):
        (tmp_path / folder).mkdir()
    written.save_pretrained(tmp_path / "model")
    pieces.save_pretrained(tmp_path / "model")
    reader = Reader.load(tmp_path / "model", WINDOWS)
    body = reader.model.base_model.state_dict()
    assert reader.fresh_head
    assert all(weight.equal(body[name]) for name, weight in written.base_model.state_dict().items())
    reader.save(tmp_path / "reader")
    ids = torch.arange(20, 40)[None]
    for again in (
        Reader.load(tmp_path / "reader").model,
        transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "reader").eval(),
    ):
        assert again(ids).start_logits.allclose(reader.model(ids).start_logits, atol=1e-6)


def test_another_process_gives_the_same_answers(save_encoder, corpus, tmp_path):
    """Also to questions that it packs otherwise, and without a span head in transformers."""
    settings = TrainSettings(learning_rate=1e-3, batch_size=4, epochs=1, dropout=0.1, windows=WINDOWS)
    found = {}
    for family in ("Qwen3", "Gemma3Text", "EuroBert"):
        encoder = save_encoder(family, *FAMILIES[family], tmp_path / f"{family}-encoder")
        reader = train([corpus], encoder, tmp_path / family, settings)
        found[family] = predict(reader, corpus).texts
        assert found[family] == predict(reader, corpus, pack=False).texts
    write(corpus, tmp_path / "corpus.json")
    code = (
        "import json, sys, polyspan as ps\n"
        "corpus = ps.read(sys.argv[1], language='en')\n"
        "print(json.dumps({name: ps.predict(ps.Reader.load(f'{sys.argv[2]}/{name}'), corpus).texts\n"
        "    for name in sys.argv[3:]}))"
    )
    arguments = [str(tmp_path / "corpus.json"), str(tmp_path), *found]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == found


@pytest.mark.parametrize("family", ["Qwen3", "Llama"])
def test_a_decoder_says_no_answer_at_its_last_piece(family, save_encoder, corpus, tmp_path):
    reader = Reader.load(save_encoder(family, *FAMILIES[family], tmp_path), WINDOWS)
    assert reader.layout.null == "last"
    windows = make_windows(corpus, reader.tokenizer, WINDOWS, training=True)
    batch = collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32)).to("cpu")
    end = reader.tokenizer.eos_token_id
    assert batch.input_ids.gather(1, batch.null[:, None])[:, 0].tolist() == [end] * len(windows)
    outside = torch.from_numpy(windows.label_start < 0)
    assert batch.start[outside].equal(batch.null[outside])
    corpus = replace(corpus, paragraphs=corpus.paragraphs[:1])
    (row,) = list(answer_corpus(reader, corpus, AnswerOptions(n_best=1, null_threshold=-1e9)))[:1]
    assert row[0].text == ""
    with torch.inference_mode():
        start, end = reader.logits(collate(windows, reader.layout, np.array([0], np.int32)))
    assert row[0].score == pytest.approx(float(start[0, -1] + end[0, -1]), abs=1e-4)


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
