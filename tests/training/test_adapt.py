"""Adapting to a language: masked words are learnt from text alone, and adapters of language and task add up."""

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from span_logits import logits, same
from torch.nn.functional import cross_entropy

import ready
from polyspan.data.schema import Corpus, Paragraph
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.adapters import load_adapters
from polyspan.model.batch import collate
from polyspan.model.encoders.adapter import Adapter
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.encoders.word_head import load_word_head
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.prediction import predict
from polyspan.training.adaptation import adapt
from polyspan.training.loop import train
from polyspan.training.masked_words import MaskedWords, texts_of
from polyspan.training.settings import TrainSettings, preset

TASK = TrainSettings(
    learning_rate=1e-2,
    batch_size=4,
    epochs=3,
    dropout=0.0,
    windows=WindowOptions(max_length=64, stride=16),
    lora=4,
)
WORDS = preset("adapt", lora=3, batch_size=2, epochs=4, learning_rate=1e-2, max_length=32)
ADAPTER = "adapter_model.safetensors"
KOREAN = "한국어 한국어 한국. 국어 한국어! 어국 한국어 한국어"


@pytest.fixture
def korean():
    return Corpus((Paragraph(KOREAN, ()), Paragraph(KOREAN[::-1], ()), Paragraph("-- 1920", ())), "lines", "ko")


@pytest.fixture
def english(masking, corpus, tmp_path) -> Path:
    adapt([corpus], masking, tmp_path / "english", WORDS)
    return tmp_path / "english"


@pytest.fixture
def target(masking, korean, tmp_path) -> Path:
    adapt([korean], masking, tmp_path / "korean", WORDS, seed=7)
    return tmp_path / "korean"


@pytest.fixture
def task(english, corpus, tmp_path) -> Path:
    train([corpus], str(english), tmp_path / "task", TASK)
    return tmp_path / "task"


def words_of(model: str, corpus) -> tuple[MaskedWords, Reader, object]:
    (text,), language = texts_of([corpus], None, 1)
    reader = Reader.load(model, WindowOptions(max_length=32, stride=32))
    windows = make_windows(text, reader.tokenizer, reader.options)
    return MaskedWords(language, reader, windows, model, 1), reader, windows


def test_text_is_learnt_and_kept_beside_its_base(masking, corpus, tmp_path):
    learnt = adapt([corpus], masking, tmp_path / "a", replace(WORDS, epochs=60.0))
    record = json.loads((tmp_path / "a" / "run.json").read_text("utf-8"))
    assert np.mean(record["loss"][-10:]) < np.mean(record["loss"][:3]) - 0.5
    assert record["data"][0]["contexts"] == 3
    assert (record["language"], record["head"]) == ("en", "new")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        ADAPTER,
        "adapter_config.json",
        "base.json",
        "config.json",
        "run.json",
    }
    again = Adapter.load(tmp_path / "a")
    assert (again.language, again.heads, again.base.model) == ("en", (), masking)
    assert all(torch.equal(learnt.weights[name], weight) for name, weight in again.weights.items())
    assert all(".lora_" in name for name in again.weights)
    assert any(weight.abs().max() > 0 for name, weight in again.weights.items() if ".lora_B." in name)
    for name, seed in (("b", 42), ("c", 43)):
        adapt([corpus], masking, tmp_path / name, replace(WORDS, epochs=60.0), seed=seed)
    files = [(tmp_path / name / ADAPTER).read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]


def test_questions_are_not_read_and_a_context_counts_once(masking, corpus, tmp_path):
    bare = replace(corpus, paragraphs=tuple(replace(one, questions=()) for one in corpus.paragraphs * 2))
    for name, one in (("with", corpus), ("without", bare)):
        adapt([one], masking, tmp_path / name, WORDS)
    assert (tmp_path / "with" / ADAPTER).read_bytes() == (tmp_path / "without" / ADAPTER).read_bytes()


def test_a_seventh_of_the_pieces_is_guessed_and_most_of_them_are_masked(masking, corpus):
    words, reader, windows = words_of(masking, corpus)
    drawn = [words._draw(0, 32, step) for step in range(400)]
    assert {len(places) for places, _ in drawn} == {4}  # 15 % of 30
    places = np.concatenate([places for places, _ in drawn])
    given = np.concatenate([given for _, given in drawn])
    assert (places.min(), places.max()) == (1, 30), "special tokens are not guessed"
    assert 0.75 < np.mean(given == reader.tokenizer.mask_token_id) < 0.85
    assert 0.07 < np.mean(given < 0) < 0.13
    others = given[(given >= 0) & (given != reader.tokenizer.mask_token_id)]
    assert set(others) <= set(windows.contexts.ids)
    assert len(set(others)) > 10
    one, two, other = (words._draw(0, 32, step) for step in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], other[0])
    assert len(words._draw(0, 3, 1)[0]) == 1, "a text of one piece is guessed too"


@pytest.mark.parametrize("family", ["Bert", "XLMRoberta", "ModernBert", "DebertaV2"])
def test_a_model_s_own_head_guesses_as_the_model_does(family, save_encoder, masking, tmp_path, request):
    """Its logits for some pieces are those of the whole model; saved without a head it has none."""
    import transformers

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    pieces = request.getfixturevalue("unigram" if family in ("XLMRoberta", "ModernBert") else "wordpiece")
    sizes |= {"vocab_size": len(pieces), "max_position_embeddings": 130, "pad_token_id": 1}
    torch.manual_seed(7)
    whole = getattr(transformers, f"{family}ForMaskedLM")(getattr(transformers, f"{family}Config")(**sizes)).eval()
    for weight in whole.parameters():
        torch.nn.init.normal_(weight, std=0.2)  # biases too
    whole.save_pretrained(tmp_path / "whole")
    ids = torch.arange(5, 25)[None]
    chosen = torch.tensor([4, 9, 30])
    with torch.inference_mode():
        expected = whole(input_ids=ids).logits[0][:, chosen]
        head = load_word_head(str(tmp_path / "whole"), chosen)
        found = head(whole.base_model(input_ids=ids)[0][0])
    assert torch.allclose(found, expected, atol=1e-5)
    assert not any(weight.requires_grad for weight in head.parameters())
    whole.base_model.save_pretrained(tmp_path / "bare")
    assert load_word_head(str(tmp_path / "bare"), chosen) is None


@pytest.fixture
def masked_model(masking, tmp_path) -> str:
    """A tiny BERT that was saved with its head for masked words."""
    from transformers import AutoConfig, AutoTokenizer, BertForMaskedLM

    torch.manual_seed(9)
    model = BertForMaskedLM(AutoConfig.from_pretrained(masking))
    model.save_pretrained(tmp_path / "masked")
    AutoTokenizer.from_pretrained(masking).save_pretrained(tmp_path / "masked")
    return str(tmp_path / "masked")


def test_the_loss_is_that_of_the_plain_model_over_the_pieces_of_the_text(masked_model, corpus):
    from transformers import BertForMaskedLM

    words, reader, windows = words_of(masked_model, corpus)
    batch = collate(windows, words.layout, np.arange(len(windows))).to("cpu")
    plain = BertForMaskedLM.from_pretrained(masked_model).eval()
    known, expected = np.unique(windows.contexts.ids), 0.0
    with torch.inference_mode():
        for line, length in enumerate(batch.lengths):
            ids = batch.input_ids[line, :length].clone()
            assert reader.tokenizer.decode(ids[[0, -1]]) == "[CLS] [SEP]"
            places, given = words._draw(line, length, 3)
            truth = ids[places].clone()
            ids[places] = torch.where(torch.from_numpy(given) < 0, truth, torch.from_numpy(given))
            scores = plain(input_ids=ids[None]).logits[0][places][:, known]
            expected += cross_entropy(scores, torch.from_numpy(np.searchsorted(known, truth.numpy())))
        found = words.loss(reader.model.eval(), batch, 3)
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_model_with_a_head_learns_with_it(masked_model, corpus, tmp_path):
    adapt([corpus], masked_model, tmp_path / "out", replace(WORDS, average=2, precision="bf16"))
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["head"] == "its own"
    assert all(".lora_" in name for name in load_file(tmp_path / "out" / ADAPTER))


def test_a_stopped_run_ends_with_the_same_bytes(masking, english, corpus, tmp_path, stop_at):
    steps = stop_at(3)
    with pytest.raises(SystemExit):
        adapt([corpus], masking, tmp_path / "stopped", WORDS)
    adapt([corpus], masking, tmp_path / "stopped", WORDS, resume=True)
    assert steps == list(range(1, steps[-1] + 1)), "it did not go on where it stopped"
    for name in (ADAPTER, "adapter_config.json", "base.json"):
        assert (tmp_path / "stopped" / name).read_bytes() == (english / name).read_bytes()
    assert not (tmp_path / "stopped.checkpoint").exists()
    assert adapt([corpus], masking, tmp_path / "stopped", WORDS, resume=True).language == "en"
    with pytest.raises(PolyspanError, match="another run"):
        adapt([corpus], masking, tmp_path / "stopped", replace(WORDS, lora=2), resume=True)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bytes(masking, english, corpus, tmp_path):
    here = Path(__file__).parent
    code = (
        f"import os, signal, sys; sys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]\n"
        "from conftest import make_corpus\n"
        "from test_adapt import WORDS\n"
        "from polyspan.training import loop as training\n"
        "from polyspan.training.adaptation import adapt\n"
        "take_step = training.take_step\n"
        "def killed(run, model, optimizer, step):\n"
        "    if step == 4:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return take_step(run, model, optimizer, step)\n"
        "training.take_step = killed\n"
        f"adapt([make_corpus()], {masking!r}, {str(tmp_path / 'killed')!r}, WORDS, checkpoint_seconds=0.0)\n"
    )
    assert ready.ended(ready.start(["python", "-c", code])) == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "killed.checkpoint").iterdir()] == ["3"]
    adapt([corpus], masking, tmp_path / "killed", WORDS, resume=True)
    assert (tmp_path / "killed" / ADAPTER).read_bytes() == (english / ADAPTER).read_bytes()


def _added(weights: dict[str, torch.Tensor], folder: Path) -> dict[str, torch.Tensor]:
    """Weights and an adapter's, by hand."""
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    learnt = {name.removeprefix("base_model.model."): w for name, w in load_file(folder / ADAPTER).items()}
    summed = weights | {name: weight for name, weight in learnt.items() if ".lora_" not in name}
    for target in config["target_modules"]:
        a, b = (learnt[f"{target}.lora_{side}.weight"] for side in "AB")
        summed[f"{target}.weight"] = weights[f"{target}.weight"] + b @ a * (config["lora_alpha"] / config["r"])
    return summed


def test_adapters_of_task_and_language_add_up(masking, english, target, task, corpus):
    base = load_encoder(masking)[0].state_dict()
    trained = logits(Reader.load(task), corpus)
    for language in (english, target):
        reader = Reader.load(task, language_adapter=language)
        assert not reader.fresh_head
        expected = Reader.load(task)
        expected.model.load_state_dict(_added(_added(base, language), task))
        found = logits(reader, corpus)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, logits(expected, corpus), strict=True))
        assert same(found, trained) == (language == english)
    assert json.loads((task / "base.json").read_text("utf-8"))["model"] == str(english)


def test_the_language_s_adapter_stays_as_it_is_while_the_task_is_learnt(english, corpus, tmp_path):
    before = (english / ADAPTER).read_bytes()
    reader = train([corpus], str(english), tmp_path / "task", TASK)
    assert (english / ADAPTER).read_bytes() == before
    assert same(logits(reader, corpus), logits(Reader.load(tmp_path / "task"), corpus))
    train([corpus], str(english), tmp_path / "whole", replace(TASK, lora=None))
    assert not Reader.load(tmp_path / "whole").fresh_head


def test_a_language_s_adapter_has_any_model_as_its_base(english, task, korean, corpus, tmp_path):
    """On a Reader's, the Reader answers, with the language beside what it has learnt."""
    for name, base in (("on a language", english), ("on a task", task)):
        adapt([korean], str(base), tmp_path / name, WORDS)
        assert Adapter.load(tmp_path / name).base.model == str(base)
    assert Reader.load(tmp_path / "on a language").language_alone == "ko"
    assert Reader.load(tmp_path / "on a task").language_alone is None
    assert len(predict(Reader.load(tmp_path / "on a task", TASK.windows), corpus).texts) == 5


def test_an_adapter_of_a_language_answers_nothing(english, corpus, tmp_path, run):
    reader = Reader.load(english)
    with pytest.raises(UsageError, match=r"the adapter of a language \(en\) has no span head"):
        predict(reader, corpus)
    with pytest.raises(UsageError, match="alone it answers nothing"):
        reader.answer("who", "leeds")
    with pytest.raises(UsageError, match="alone it answers nothing"):
        load_adapters({"en": english})["en"].answer("who", "leeds")
    write(corpus, tmp_path / "dev.json")
    code, out, error = run("predict", "--model", english, "--data", tmp_path / "dev.json", "--out", tmp_path / "p")
    assert (code, out) == (2, "")
    assert "alone it answers nothing" in error
    assert "never trained" not in error
    assert not (tmp_path / "p").exists()


def _other_base(english: Path, target: Path, task: Path) -> tuple[Path, Path]:
    found = json.loads((target / "base.json").read_text("utf-8"))
    found["sha256"]["model.safetensors"] = "0" * 64
    (target / "base.json").write_text(json.dumps(found), "utf-8")
    return task, target


def _changed_source(english: Path, target: Path, task: Path) -> tuple[Path, Path]:
    weights = load_file(english / ADAPTER)
    save_file({name: weight + 1 for name, weight in weights.items()}, english / ADAPTER)
    return task, target


def _no_source(english: Path, target: Path, task: Path) -> tuple[Path, Path]:
    shutil.rmtree(english)
    return task, target


FAULTS = {
    _other_base: (PolyspanError, "belong to different bases"),
    _changed_source: (PolyspanError, "not the one that it was trained beside"),
    _no_source: (PolyspanError, "no model at"),
    lambda english, target, task: (task, task): (UsageError, "this is no language's adapter"),
    lambda english, target, task: (english, target): (UsageError, "not trained on a language's adapter"),
    lambda english, target, task: (task, task / "nowhere"): (PolyspanError, "no model at"),
}


@pytest.mark.parametrize("harm", FAULTS)
def test_adapters_that_do_not_go_together_are_refused(harm, english, target, task):
    reader, language = harm(english, target, task)
    error, message = FAULTS[harm]
    with pytest.raises(error, match=message):
        Reader.load(reader, language_adapter=language)


def test_a_whole_reader_and_another_base_are_refused(masking, target, corpus, tmp_path):
    train([corpus], masking, tmp_path / "whole", replace(TASK, lora=None))
    with pytest.raises(UsageError, match="a whole model has no language's adapter"):
        Reader.load(tmp_path / "whole", language_adapter=target)
    base = json.loads((target / "base.json").read_text("utf-8"))
    (target / "base.json").write_text(json.dumps(base | {"model": str(tmp_path / "gone")}), "utf-8")
    with pytest.raises(PolyspanError, match="base of the adapter cannot be loaded"):
        Reader.load(target)


def _of(*texts: str, language: str | None = "en") -> Corpus:
    return Corpus(tuple(Paragraph(text, ()) for text in texts), "texts", language)


MISTAKES = {
    "there is no text in texts": ([_of("", " 12 -- ")], {}),
    "there is no text": ([_of()], {}),
    "an adapter learns one language": ([_of("a b"), _of("c d", language="fr")], {}),
    "text of no known language": ([_of("a b", language=None)], {}),
    "no text": ([], {}),
    "an adapter needs a rank": ([_of("a b")], {"lora": None}),
    "not computed as one row": ([_of("a b")], {"pack": True}),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes(message, masking, tmp_path):
    corpora, changes = MISTAKES[message]
    with pytest.raises(PolyspanError) as caught:
        adapt(corpora, masking, tmp_path / "out", replace(WORDS, **changes))
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_encoder_without_a_mask_and_a_decoder_are_refused(tiny, save_encoder, begun, corpus, tmp_path):
    with pytest.raises(UsageError, match="cannot guess masked words") as caught:
        adapt([corpus], tiny, tmp_path / "out", WORDS)
    assert caught.value.found == "its tokenizer has no mask"
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
    sizes |= {"num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 130}
    decoder = save_encoder("Qwen3", "wordpiece", sizes, tmp_path / "decoder")
    from transformers import AutoTokenizer

    pieces = AutoTokenizer.from_pretrained(decoder)
    pieces.mask_token = "[UNK]"
    pieces.save_pretrained(decoder)
    with pytest.raises(UsageError, match="cannot guess masked words") as caught:
        adapt([corpus], decoder, tmp_path / "out", WORDS)
    assert "decoder" in caught.value.found


def test_the_commands(masking, corpus, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(corpus, "train.json")
    Path("korean.txt").write_text(f"{KOREAN}\n\n{KOREAN[::-1]}\n", "utf-8")
    Path("digits.txt").write_text("12\n", "utf-8")
    fast = ["--epochs", 2, "--lora", 2, "--max-length", 64]
    for data, language in (("train.json", "en"), ("korean.txt", "ko")):
        call = ["adapt", "--data", data, "--language", language, "--model", masking, "--out", language, *fast]
        code, out, _ = run(*call)
        assert code == 0
        assert f"adapter for {language}: {language}" in out
    code, out, error = run("adapt", "--data", "digits.txt", "--language", "ko", "--model", masking, "--out", "no")
    assert (code, out) == (1, "")
    assert "there is no text in digits" in error
    task = ["train", "--data", "train.json", "--language", "en", "--model", "en", "--out", "task", "--stride", 16]
    assert run(*task, *fast)[0] == 0
    answers = []
    for more in ([], ["--language-adapter", "en"], ["--language-adapter", "ko"]):
        call = [
            "predict",
            "--model",
            "task",
            "--data",
            "train.json",
            "--out",
            "p.json",
            "--nbest",
            "n.json",
            *more,
        ]
        assert run(*call)[0] == 0
        answers.append(Path("n.json").read_text("utf-8"))
    assert answers[0] == answers[1] != answers[2]
