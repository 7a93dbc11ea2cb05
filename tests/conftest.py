"""Shared fixtures: a tiny seeded encoder, and the public corpora where they are at hand."""

import copy
import os
import shutil
import string
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from polyspan.model.fast.own_process import waiting

settings.register_profile("ci", derandomize=True)  # a landing must not hang on a draw; find the rest at home
settings.load_profile("ci" if os.environ.get("CI") else "default")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: threads only wait for each other
os.environ.update(waiting())  # before torch is loaded; the processes that tests start have it from here
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the public corpora (`POLYSPAN_DATA`); tests that need it skip where it is missing."""
    folder = Path(os.environ.get("POLYSPAN_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}: set POLYSPAN_DATA")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(request, tmp_path_factory, monkeypatch):
    """No test reads or leaves anything in the user's cache; those with the bundled encoder unpack it once."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("POLYSPAN_CACHE", str(cache))
    if request.node.get_closest_marker("bundled"):
        (cache / "encoders").symlink_to(request.getfixturevalue("_unpacked_encoders"))


@pytest.fixture(scope="session")
def _unpacked_encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    yield folder
    shutil.rmtree(folder)  # hundreds of megabytes


@pytest.fixture(scope="session")
def wordpiece():
    """A WordPiece tokenizer in BERT's layout whose pieces are single characters and a few words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = string.ascii_lowercase + string.digits + string.punctuation + "é我是誰在東京한국어"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *("##" + letter for letter in letters)]
    pieces += ["the", "cup", "won", "was", "by", "##ing", "in"]
    backend = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _roberta_like(backend):
    """A tokenizer in RoBERTa's pair layout around a backend that has <s> and </s> as 0 and 2."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
    )


@pytest.fixture(scope="session")
def unigram():
    """A SentencePiece-like tokenizer in XLM-R's layout: pieces carry the space before them."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    letters = string.ascii_letters + string.digits + string.punctuation + "▁é我是誰在東京。한국어"
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(letter, -8.0) for letter in letters] + [("▁the", -3.0), ("▁cup", -4.0), ("東京", -4.0)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return _roberta_like(backend)


@pytest.fixture(scope="session")
def byte_bpe():
    """A byte-level BPE tokenizer in RoBERTa's layout: one character may be several pieces."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(["the cup was won by leeds in 1920"] * 5, trainer)
    return _roberta_like(backend)


@pytest.fixture(scope="session")
def endless(byte_bpe):
    """The pieces of byte_bpe in Qwen's layout: no special token in front, between or behind."""
    return _of_decoder(byte_bpe, None, pad_token="<pad>")


@pytest.fixture(scope="session")
def begun(byte_bpe):
    """The pieces of byte_bpe in Llama's layout: each text begins with <s>, none ends, nothing is padding."""
    return _of_decoder(byte_bpe, "<s> $A <s>:1 $B:1", bos_token="<s>")


def _of_decoder(byte_bpe, pair, **special):
    from tokenizers import Tokenizer, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(byte_bpe.backend_tokenizer.to_str())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    if pair is not None:
        backend.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair=pair, special_tokens=[("<s>", 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="</s>",
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )


@pytest.fixture(scope="session")
def tiny(wordpiece, tmp_path_factory) -> str:
    """Folder of a two-layer BERT with random weights from a fixed seed."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(wordpiece),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.15,
        max_position_embeddings=128,
    )
    folder = tmp_path_factory.mktemp("tiny")
    BertModel(config).save_pretrained(folder)
    wordpiece.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def masking(wordpiece, tmp_path_factory) -> str:
    """Folder of a two-layer BERT with random weights from a fixed seed, whose tokenizer has a mask."""
    import torch
    from transformers import BertConfig, BertModel

    pieces = copy.deepcopy(wordpiece)
    pieces.add_special_tokens({"mask_token": "[MASK]"})
    torch.manual_seed(7)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"vocab_size": len(pieces), "max_position_embeddings": 512}
    folder = tmp_path_factory.mktemp("masking")
    BertModel(BertConfig(**sizes, initializer_range=0.15)).save_pretrained(folder)
    pieces.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def save_encoder(request):
    """Save an encoder of a family of transformers, with random weights from a fixed seed, and its tokenizer."""

    def save(family: str, tokenizer: str, options: dict, folder: Path) -> str:
        import torch
        import transformers

        pieces = request.getfixturevalue(tokenizer)
        torch.manual_seed(7)
        config = getattr(transformers, f"{family}Config")(vocab_size=len(pieces), **options)
        getattr(transformers, f"{family}Model")(config).save_pretrained(folder)
        pieces.save_pretrained(folder)
        return str(folder)

    return save


@pytest.fixture
def corpus():
    """Two articles, three paragraphs, five questions; every offset is right."""
    return make_corpus()


def make_corpus():
    """The corpus of the fixture, for tests that need it in another process."""
    from polyspan.data.schema import Answer, Corpus, Paragraph, Question

    texts = (
        ("cups", "The cup was won by leeds in 1920.", (("who won", "leeds"), ("when", "1920"))),
        ("cups", "In 1931 the cup was won by hull, not by leeds.", (("who won", "hull"), ("when", "1931"))),
        ("cities", "我是誰。我在東京。 The cup was in 東京.", (("where", "東京"),)),
    )
    paragraphs = []
    for number, (title, context, asked) in enumerate(texts):
        questions = tuple(
            Question(f"{number}-{place}", question, (Answer(answer, context.index(answer)),))
            for place, (question, answer) in enumerate(asked)
        )
        paragraphs.append(Paragraph(context, questions, title))
    return Corpus(tuple(paragraphs), "tiny", "en", "squad.v1")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: returns (exit status, stdout, stderr)."""

    from polyspan.cli import main as cli

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["polyspan", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="session")
def ready_programs():
    """A folder for PATH with a `polyspan` and a `python` that have all imported before they begin."""
    from ready import Programs

    programs = Programs()
    yield programs.folder
    programs.close()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine that the hub's client speaks to, with a token that may write to `me/…`."""
    import huggingface_hub

    from hub_server import TOKEN, Hub

    constants = huggingface_hub.constants
    served = Hub()
    for name, value in {"ENDPOINT": served.url, "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
        monkeypatch.setattr(constants, name, value)
    template = f"{served.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    huggingface_hub.close_session()
    yield served
    huggingface_hub.close_session()
    served.close()


@pytest.fixture
def server(monkeypatch):
    """An OpenAI-compatible endpoint on this machine that has no key: "1920" answers when, "leeds" all else."""
    from llm_server import LlmServer

    for name in ("POLYSPAN_LLM_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    served = LlmServer(lambda prompt: "1920" if "when" in prompt else "leeds")
    yield served
    served.close()
