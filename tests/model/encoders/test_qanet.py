"""QANet: its size by hand, its shapes, its masks, and that a Reader trains it like any other encoder."""

import json
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import polyspan as ps
import ready
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.batch import collate, input_lengths
from polyspan.model.encoders.qanet import QANetConfig, QANetForQuestionAnswering
from polyspan.model.encoders.qanet_blocks import (
    ContextQueryAttention,
    Convolution,
    Residual,
    encoder_blocks,
    positions,
)
from polyspan.model.vocabulary.qanet_words import make_qanet, word_tokenizer
from polyspan.model.vocabulary.word_vectors import WordVectors
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import make_windows
from ready import ended

OPTIONS = ps.WindowOptions(max_length=64, stride=16, stride_as="overlap")
SETTINGS = replace(ps.preset("qanet"), windows=OPTIONS, batch_size=4, warmup=0.1, epochs=3.0)
NEVER = float("-inf")


def made(corpus, folder, **options):
    return make_qanet([corpus], folder, **{"width": 16, "heads": 2, "blocks": 2, "fewest": 1} | options)


@pytest.fixture
def folder(corpus, tmp_path) -> str:
    made(corpus, tmp_path / "qanet")
    return str(tmp_path / "qanet")


def network(**sizes):
    torch.manual_seed(3)
    config = QANetConfig(**{"vocab_size": 30, "character_size": 12, "hidden_size": 16} | sizes)
    model = QANetForQuestionAnswering(config).eval()
    model.pieces.spelling.random_(1, 12)
    return model


def row(question: int, context: int):
    """Ids and types of [CLS] question [SEP] context [SEP]."""
    ids = torch.randint(4, 30, (1, question + context + 3))
    ids[0, 0], ids[0, question + 1], ids[0, -1] = 2, 3, 3
    types = torch.zeros_like(ids)
    types[0, question + 2 :] = 1
    return ids, types


def test_parameters_by_hand():
    """Yu et al. (2018) with the sizes of the paper, 1,000 words with fixed vectors and 100 characters."""
    d, wide = 128, 300 + 200
    norm = 2 * d
    attention = 4 * (d * d + d)
    feed_forward = 2 * (d * d + d)

    def block(convolutions: int, kernel: int) -> int:
        parts = convolutions * (norm + kernel * d + d * d + d)
        return parts + norm + attention + norm + feed_forward

    expected = {
        "pieces": 4 * 300 + 100 * 200 + 2 * 2 * (wide * wide + wide) + wide * d + d,
        "encoder": block(4, 7),
        "attention": 3 * d,
        "resize": 4 * d * d + d,
        "blocks": 7 * block(2, 5),
        "qa_outputs": 2 * 2 * d,
    }
    config = QANetConfig(vocab_size=1004, character_size=100, fixed_rows=1000)
    model = QANetForQuestionAnswering(config)
    found = {name: sum(w.numel() for w in part.parameters()) for name, part in model.named_children()}
    assert found == expected
    assert sum(found.values()) == 2_264_928


def test_shapes_and_what_is_never_an_answer():
    model = network(num_hidden_layers=1, num_attention_heads=4)
    ids, types = row(question=5, context=9)
    output = model(ids, types)
    for logits in (output.start_logits, output.end_logits):
        assert logits.shape == ids.shape
        finite = torch.isfinite(logits[0])
        assert finite.nonzero().flatten().tolist() == [0, *range(7, 16)]
    assert model.encode(ids, None).shape == (1, 17, 16)
    states = torch.randn(2, 7, 16), torch.randn(2, 3, 16)
    assert model.attention(*states, None, None).shape == (2, 7, 64)


def test_padding_changes_nothing():
    model = network(num_hidden_layers=2, num_attention_heads=4)
    rows = [row(5, 9), row(2, 30), row(0, 4), row(17, 0)]
    length = max(ids.shape[1] for ids, _ in rows)
    ids, types, mask = (torch.zeros(len(rows), length, dtype=torch.int64) for _ in range(3))
    for place, (one, kinds) in enumerate(rows):
        ids[place, : one.shape[1]], types[place, : one.shape[1]], mask[place, : one.shape[1]] = one, kinds, 1
    ids[mask == 0] = 7  # whatever stands there
    together = model(ids, types, mask)
    for place, (one, kinds) in enumerate(rows):
        alone = model(one, kinds)
        for name in ("start_logits", "end_logits"):
            inside = together[name][place, : one.shape[1]]
            torch.testing.assert_close(inside, alone[name][0], atol=1e-5, rtol=1e-5)
            assert (together[name][place, one.shape[1] :] == NEVER).all()


def test_the_convolution_is_that_of_the_textbook():
    torch.manual_seed(0)
    layer = Convolution(6, 5)
    x = torch.randn(2, 9, 6)
    kernel = layer.depthwise.weight[:, 0, 0]  # (width, 5)
    padded = torch.nn.functional.pad(x, (0, 0, 2, 2))
    mixed = sum(padded[:, shift : shift + 9] * kernel[:, shift] for shift in range(5))
    expected = torch.relu(mixed @ layer.pointwise.weight.T + layer.pointwise.bias)
    torch.testing.assert_close(layer(x, None), expected, atol=1e-5, rtol=1e-5)


def test_context_query_attention_is_that_of_the_paper():
    torch.manual_seed(0)
    layer = ContextQueryAttention(6, 0.0)
    torch.nn.init.normal_(layer.weight)
    context, question = torch.randn(1, 5, 6), torch.randn(1, 3, 6)
    weight = layer.weight.detach().flatten()
    similar = torch.tensor([[float(weight @ torch.cat([q, c, q * c])) for q in question[0]] for c in context[0]])
    over_question, over_context = similar.softmax(1), similar.softmax(0)
    a = over_question @ question[0]
    b = over_question @ over_context.T @ context[0]
    c = context[0]
    expected = torch.cat([c, a, c * a, c * b], 1)
    torch.testing.assert_close(layer(context, question, None, None)[0], expected, atol=1e-5, rtol=1e-5)


def test_deeper_layers_are_left_out_more_often():
    blocks = encoder_blocks(7, 8, 2, 2, 5, 0.1, 0.9)
    survival = [layer.survival for block in blocks for layer in block.layers]
    assert len(survival) == 28
    assert np.allclose(survival, 1 - np.arange(1, 29) / 28 * 0.1)
    torch.manual_seed(0)
    layer = Residual(torch.nn.Identity(), 4, 0.0, 0.75)
    layer.part.forward = lambda x, mask: torch.ones_like(x)
    changed = layer(torch.zeros(4000, 2, 4), None)[:, 0, 0]
    assert sorted(set(changed.tolist())) == pytest.approx([0, 4 / 3])
    assert abs(changed.mean() - 1) < 0.05
    assert (layer.eval()(torch.zeros(3, 2, 4), None) == 1).all()


def test_position_encoding():
    where = positions(50, 8, torch.zeros(1))
    assert where.shape == (50, 8)
    assert torch.allclose(where[:, 0], torch.arange(50).sin())
    assert torch.allclose(where[:, 7], (torch.arange(50) / 10_000).cos())


@pytest.mark.parametrize("unit", ["word", "character"])
def test_pieces_stand_where_they_are(unit):
    text = "The cup’s  1931年，東京タワー naïve e\u0301é 한국어\u3000x_y!"
    words = ["The", "cup", "’", "s", "1931", "年", "，", *"東京タワー", "naïve", "e\u0301é", "한국어", "x_y", "!"]
    tokenizer = word_tokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(words)], unit)
    tokens = tokenise([text], tokenizer)
    cut = [text[start:end] for start, end in zip(*tokens.spans(0), strict=True)]
    assert cut == (words if unit == "word" else [part for part in _with_marks(text) if part.strip()])
    if unit == "word":
        assert tokenizer.unk_token_id not in tokens.ids


def _with_marks(text):
    parts = []
    for char in text:
        if char == "\u0301":
            parts[-1] += char
        else:
            parts.append(char)
    return parts


def test_a_reader_trains_it_and_answers(folder, corpus, tmp_path):
    fresh = ps.Reader.load(folder, OPTIONS)
    assert fresh.fresh_head
    assert not fresh.packs
    settings = replace(SETTINGS, epochs=40.0, learning_rate=3e-3, ema=0.9, dropout=0.0)
    reader = ps.train([corpus], folder, tmp_path / "reader", settings)
    again = ps.Reader.load(tmp_path / "reader")
    assert not again.fresh_head
    found = ps.predict(again, corpus)
    assert found.texts == ps.predict(reader, corpus).texts
    right = [found.texts[question.id] == question.answers[0].text for _, question in corpus.questions()]
    assert sum(right) >= 4, found.texts
    losses = json.loads((tmp_path / "reader" / "run.json").read_text("utf-8"))["loss"]
    assert np.mean(losses[-5:]) < losses[0] / 2
    nothing = again.answers("who", "the cup", ps.AnswerOptions(null_threshold=-1e9))[0]
    assert nothing.text == ""
    assert again.answer("", "leeds won").text
    assert again.answer("who won", "").text == ""


def test_half_precision_keeps_the_answers_apart(folder, corpus):
    reader = ps.Reader.load(folder, OPTIONS)
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    batch = collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32))
    with torch.no_grad():
        whole = reader.logits(batch)[0]
        with torch.autocast("cpu", torch.bfloat16):
            half = reader.logits(batch)[0]
    finite = torch.isfinite(whole)
    assert torch.equal(finite, torch.isfinite(half))
    assert (whole - half)[finite].abs().max() < 0.1 * whole[finite].abs().max()
    assert len(set(half[0][finite[0]].tolist())) > 5


def test_batches_of_a_reader_equal_single_windows(folder, corpus):
    reader = ps.Reader.load(folder, replace(OPTIONS, max_length=24, stride=4))
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    rows = np.arange(len(windows), dtype=np.int32)
    with torch.no_grad():
        together = reader.logits(collate(windows, reader.layout, rows))
        lengths = input_lengths(windows, reader.layout)
        for one in rows:
            for all_logits, logits in zip(
                together, reader.logits(collate(windows, reader.layout, rows[one : one + 1])), strict=True
            ):
                torch.testing.assert_close(all_logits[one, : lengths[one]], logits[0], atol=1e-4, rtol=1e-4)


def test_fixed_vectors_stay_and_unknown_ones_are_learnt(corpus, tmp_path):
    words = ("the", "cup", "東", "fussball", "two words", "京")
    matrix = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    result = made(corpus, tmp_path / "qanet", vectors=WordVectors(words, matrix))
    assert result.with_vector == 5
    before = load_file(tmp_path / "qanet" / "model.safetensors")
    reader = ps.train([corpus], str(tmp_path / "qanet"), tmp_path / "reader", SETTINGS)
    after = load_file(tmp_path / "reader" / "model.safetensors")
    fixed = "pieces.words.fixed"
    assert torch.equal(before[fixed], after[fixed])
    assert after[fixed].std() == pytest.approx(1, rel=0.05)
    assert torch.allclose(
        before[fixed] / before[fixed][0, 0], torch.from_numpy(matrix)[[0, 1, 2, 3, 5]] / matrix[0, 0]
    )
    assert not torch.equal(before["pieces.words.learnt.weight"], after["pieces.words.learnt.weight"])
    table, numbers = reader.model.get_input_embeddings(), reader.tokenizer.get_vocab()
    assert torch.equal(table(torch.tensor(numbers["fussball"])), after[fixed][3])
    assert torch.equal(table(torch.tensor(numbers["won"])), table(torch.tensor(numbers["[UNK]"])))
    assert "two words" not in numbers


def test_the_seed_decides(corpus, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made(corpus, tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_mistakes(corpus, tmp_path):
    for wrong in ({"width": 15}, {"heads": 3}, {"blocks": 0}, {"fewest": 0}):
        with pytest.raises(UsageError, match="make no QANet"):
            made(corpus, tmp_path / "q", **wrong)
    with pytest.raises(UsageError, match="unit"):
        made(corpus, tmp_path / "q", unit="syllable")
    with pytest.raises(PolyspanError, match="too little text"):
        made(corpus, tmp_path / "q", fewest=50)
    with pytest.raises(PolyspanError, match="is one character"):
        made(corpus, tmp_path / "q", unit="character", vectors=WordVectors(("cup",), np.ones((1, 4), np.float32)))
    assert not (tmp_path / "q").exists()
    made(corpus, tmp_path / "q")
    reader = ps.Reader.load(tmp_path / "q", OPTIONS)
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    with pytest.raises(UsageError, match="no layers"):
        reader.hidden_states(collate(windows, reader.layout, np.zeros(1, np.int32)), [0])


def test_the_recipe_of_the_paper():
    from polyspan.training.optimizer import ema_decay, make_optimizer, penalise, rate

    settings = ps.preset("qanet")
    rates = [rate(step, 5000, settings) for step in (1, 100, 999, 1000, 5000)]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(1e-3 * np.log(2) / np.log(1001))
    assert rates[-2:] == [1e-3, 1e-3]
    assert [ema_decay(step, settings) for step in (1, 8)] == [0.0, 0.5]
    assert ema_decay(10**6, settings) == 0.9999
    model = torch.nn.Sequential(torch.nn.Embedding(3, 2), torch.nn.Linear(2, 2))
    optimizer = make_optimizer(model, replace(settings, l2=0.5))
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    penalise(optimizer)
    table, matrix, bias = model.parameters()
    assert torch.equal(matrix.grad, 0.5 * matrix)
    assert not table.grad.any()
    assert not bias.grad.any()
    assert {tuple(group["betas"]) for group in optimizer.param_groups} == {(0.8, 0.999)}
    for wrong in ({"ema": 1.0}, {"betas": (1.0, 0.9)}, {"l2": -1.0}, {"average": 2}, {"schedule": "cosine"}):
        with pytest.raises(UsageError):
            replace(settings, **wrong)


def test_the_moving_average_is_kept(tiny, corpus, tmp_path):
    """One step: the average is the weights. Several: it is the one computed by hand from each step's weights."""
    from polyspan.training import snapshot
    from polyspan.training.optimizer import ema_decay

    seen = []
    original = snapshot._move_average

    def spy(state, model, decay):
        seen.append({name: weight.detach().clone() for name, weight in model.named_parameters()})
        original(state, model, decay)

    snapshot._move_average = spy
    try:
        reader = ps.train([corpus], tiny, tmp_path / "r", replace(SETTINGS, ema=0.7, epochs=4.0))
    finally:
        snapshot._move_average = original
    name = "bert.encoder.layer.0.output.dense.weight"
    mean = seen[0][name]
    for step, weights in enumerate(seen[1:], 2):
        decay = ema_decay(step, replace(SETTINGS, ema=0.7))
        mean = decay * mean + (1 - decay) * weights[name]
    assert len(seen) == 8
    torch.testing.assert_close(reader.model.get_parameter(name), mean)


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(folder, tmp_path):
    """SIGKILL in the middle; the moving average goes on where it was."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from dataclasses import replace\n"
        "import polyspan as ps\n"
        "from conftest import make_corpus\n"
        "windows = ps.WindowOptions(max_length=64, stride=16, stride_as='overlap')\n"
        "settings = replace(ps.preset('qanet'), windows=windows, batch_size=2, warmup=0.1, epochs=25.0)\n"
        "ps.train([make_corpus()], {model!r}, {out!r}, settings, resume={resume}, checkpoint_seconds=0.2)\n"
    )

    def start(out: Path, resume: bool) -> BaseProcess:
        text = code.format(model=folder, out=str(out), resume=resume)
        return ready.start(["python", "-c", text], log=tmp_path / "log")

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert ended(start(whole, False)) == 0
    first = start(broken, False)
    checkpoint = Path(f"{broken}.checkpoint")
    for _ in range(600):
        if checkpoint.is_dir() and any(path.name.isdigit() for path in checkpoint.iterdir()):
            break
        time.sleep(0.05)
    first.kill()
    ended(first)
    assert not broken.exists(), "it was too fast to be killed"
    assert ended(start(broken, True)) == 0
    one, two = (load_file(path / "model.safetensors") for path in (whole, broken))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
@pytest.mark.realdata
def test_it_learns_real_questions(data, tmp_path):
    """Two hundred training steps on DRCD bring the loss well below that of guessing."""
    corpus = ps.sample(ps.read(data / "drcd" / "DRCD_test.json"), 200, 1)
    make_qanet([corpus], tmp_path / "qanet", width=32, heads=2, blocks=1)
    windows = ps.WindowOptions(max_length=160, stride=32, stride_as="overlap", negatives="none")
    settings = replace(ps.preset("qanet"), windows=windows, batch_size=8, warmup=20, epochs=4.0)
    ps.train([corpus], str(tmp_path / "qanet"), tmp_path / "reader", settings)
    losses = json.loads((tmp_path / "reader" / "run.json").read_text("utf-8"))["loss"]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.3
