"""What models cannot do is told in one sentence, by one place; what they can is what they do."""

import shutil

import pytest
import torch
import transformers

import polyspan as ps
from polyspan.errors import PolyspanError, UsageError
from polyspan.model import abilities
from polyspan.model.abilities import can, embeddings, encoder_layers, require, sees_ahead, takes
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.encoders.span_head import register_span_head
from polyspan.model.fast import pack
from polyspan.model.fast.attention_interface import use_attention
from polyspan.model.layers import passing
from polyspan.model.vocabulary.qanet_words import make_qanet
from polyspan.model.vocabulary.trim import trim
from polyspan.probe.hidden import stream
from polyspan.training.optimizer import prepare

SIZE = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZE |= {"intermediate_size": 64, "max_position_embeddings": 64, "pad_token_id": 0}


def model_of(family, head="ForQuestionAnswering", **options):
    torch.manual_seed(7)
    config = getattr(transformers, f"{family}Config")(**SIZE | options)
    model = getattr(transformers, family + head)(config).eval()
    use_attention(model)
    return model


@pytest.mark.parametrize(
    ("family", "ahead", "packs", "layers"),
    [
        ("Bert", True, True, True),
        ("DebertaV2", True, False, True),
        ("Albert", True, True, False),
        ("Llama", False, True, True),
        ("GPT2", False, True, True),
        ("Bloom", False, False, True),
    ],
)
def test_what_a_model_does_is_what_it_can(family, ahead, packs, layers):
    model = model_of(family)
    assert sees_ahead(model) == ahead
    assert can("pack", model) == packs
    assert can("layers", model) == layers
    assert can("probe", model)
    assert can("bf16", model)
    assert not model.training


@pytest.mark.parametrize("family", ["Bert", "Roberta", "XLMRoberta"])
def test_what_is_known_of_an_encoder_is_what_a_trial_finds(family):
    model = model_of(family, max_position_embeddings=70)
    assert abilities._is_known(model)
    trials = {
        "causal": abilities._first_piece_sees_no_other,
        "pack": abilities._packs_alike,
        "bf16": abilities._computes_in_bf16,
        "probe": abilities._shows_states,
    }
    assert {what: trial(model) for what, trial in trials.items()} == abilities._KNOWN


def test_a_decoder_of_an_encoders_class_is_tried():
    assert not sees_ahead(model_of("Bert", is_decoder=True))


def test_a_trial_leaves_no_trace():
    model = model_of("Albert").train()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    require("pack", model)
    assert model.training
    assert torch.random.get_rng_state().equal(before)
    assert all(weight.grad is None for weight in model.parameters())


def test_a_model_that_packs_wrongly_is_refused(monkeypatch):
    """As one whose layers remember what they read, or whose positions nobody knows."""
    monkeypatch.setattr(pack, "_positions", lambda model, ids: torch.zeros_like(ids))
    with pytest.raises(UsageError, match="packed, it computes something else"):
        require("pack", model_of("Albert"))


def test_token_types_are_taken_where_the_base_model_does(corpus, tmp_path, wordpiece, save_encoder):
    assert takes(model_of("Bert"), "token_type_ids")
    assert not takes(model_of("Llama"), "token_type_ids")
    save_encoder(
        "Gte",
        "wordpiece",
        {key: SIZE[key] for key in SIZE if key != "vocab_size"} | {"type_vocab_size": 2},
        tmp_path,
    )
    reader = ps.Reader.load(tmp_path, ps.WindowOptions(max_length=64, stride=16))
    assert reader.layout.types == (0, 0, 0, 1, 1)  # its head names no token types, its base does


def test_embeddings_are_found_whatever_their_name():
    assert embeddings(model_of("Llama")) == ["transformer.embed_tokens.weight"]
    assert [name.rpartition(".")[0].rpartition(".")[2] for name in embeddings(model_of("GPT2"))] == ["wte", "wpe"]


@pytest.mark.parametrize("family", ["Llama", "Bert"])
def test_the_cpu_preset_freezes_them(family):
    model = model_of(family)
    prepare(model, ps.preset("cpu"))
    assert not model.get_input_embeddings().weight.requires_grad
    assert model.qa_outputs.weight.requires_grad
    with pytest.raises(UsageError, match="no parameter has 'embedings'"):
        prepare(model, ps.preset("cpu", freeze=["embedings"]))


def of(model, name):
    return model.get_parameter(name)


@pytest.mark.parametrize("family", ["Llama", "Bert", "GPT2"])
def test_uppermost_layers_are_drawn_anew(family):
    settings = ps.TrainSettings(reinitialize=1)
    model, same, another, untouched = (model_of(family) for _ in range(4))
    for one, seed in ((model, 1), (same, 1), (another, 2)):
        prepare(one, settings, seed)
    changed = {name for name, weight in model.named_parameters() if not torch.equal(weight, of(untouched, name))}
    last = {id(weight) for weight in encoder_layers(model)[-1].parameters() if weight.ndim > 1}
    assert {id(of(model, name)) for name in changed} == last
    assert all(torch.equal(weight, of(same, name)) for name, weight in model.named_parameters())
    assert changed == {name for name in changed if not torch.equal(of(model, name), of(another, name))}
    with pytest.raises(UsageError, match="3 layers cannot be drawn anew"):
        prepare(model, ps.TrainSettings(reinitialize=3))


def test_a_qanet_says_what_it_cannot(corpus, tmp_path):
    make_qanet([corpus], tmp_path / "qanet", width=16, heads=2, blocks=2, fewest=1)
    model, tokenizer = load_encoder(str(tmp_path / "qanet"))
    assert sees_ahead(model)
    for ability, told in (
        ("pack", "cannot be packed"),
        ("probe", "no layers to look into"),
        ("trim", "loses no pieces"),
        ("graft", "takes no new words"),
    ):
        with pytest.raises(UsageError, match=told):
            require(ability, model, tokenizer)
    with pytest.raises(UsageError, match="loses no pieces"):
        trim(str(tmp_path / "qanet"), tmp_path / "small", [corpus])
    with pytest.raises(UsageError, match="no layers to look into"):
        next(stream(ps.Reader(model, tokenizer), corpus, [0]))


def test_layers_that_are_one_cannot_be_mapped():
    with (
        pytest.raises(UsageError, match="AlbertForQuestionAnswering has no layers"),
        passing(model_of("Albert"), 1, lambda states: states),
    ):
        pass


@pytest.mark.parametrize("family", ["Pegasus", "Gemma3"])
def test_no_span_head_for_two_texts_or_pictures(family, tmp_path, wordpiece):
    config = getattr(transformers, f"{family}Config")()
    with pytest.raises(PolyspanError, match="takes no span head"):
        register_span_head(config)
    config.save_pretrained(tmp_path)
    wordpiece.save_pretrained(tmp_path)
    with pytest.raises(PolyspanError, match="takes no span head"):
        load_encoder(str(tmp_path))


def test_weights_of_another_model_are_refused(tiny, tmp_path, wordpiece, save_encoder):
    """They would all be drawn at random, in silence."""
    folder = shutil.copytree(tiny, tmp_path / "mixed")
    config = transformers.LlamaConfig(**SIZE | {"vocab_size": len(wordpiece)})
    config.save_pretrained(folder)
    with pytest.raises(PolyspanError, match="not those of a LlamaModel"):
        load_encoder(str(folder))
