"""Whatever a text holds: answers are the best stretches of it, visible at both ends; packed equals unpacked."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.model.answers import AnswerOptions, answer_corpus
from polyspan.model.batch import collate
from polyspan.model.reader import Reader
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.text import is_mark, is_visible

SMALL = WindowOptions(max_length=40, stride=9, max_question_length=16)
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ROBERTA = SIZE | {"max_position_embeddings": 60, "pad_token_id": 1, "type_vocab_size": 1, "initializer_range": 0.3}
MODERN = {
    "max_position_embeddings": 64,
    "pad_token_id": 1,
    "local_attention": 16,
    "initializer_cutoff_factor": 3.0,
}
FAMILIES = {
    "Bert": ("wordpiece", SIZE | {"max_position_embeddings": 64, "initializer_range": 0.3}),
    "Roberta": ("byte_bpe", ROBERTA),
    "XLMRoberta": ("unigram", ROBERTA),
    "ModernBert": ("byte_bpe", SIZE | MODERN),
}
PARTS = [
    *(
        "the",
        "cup",
        "won",
        "x",
        "1920",
        "東京",
        "我是誰",
        "한국",
        "\u1112\u1161\u11ab\u1100\u116e\u11a8",
        "é",
        "e\u0301",
    ),
    *(
        "เชียงใหม่",
        "ทำ",
        "जॉन",
        "العربية",
        "اَلْعَرَبِيَّة",
        "ﷺ",
        "½",
        "㈱",
        "ﬃ",
        "👩\u200d🚀",
        "❤\ufe0f",
        "🇰🇷",
        "葛\U000e0100",
    ),
    *(
        "\u200b",
        "\ufeff",
        "\u200e",
        "\u200f",
        "\u2068",
        "\u2069",
        "\u00ad",
        "\u0301",
        "\x07",
        "\x1c",
        "\ue000",
        "\ufffd",
    ),
    *(" ", " ", " ", "  ", "\n", "\u3000", "\u2028", "▁", "Ġ", ".", "「", "("),
    *("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[PAD]", "[SEP]", "[CLS]", "[UNK]"),
]
TEXTS = st.lists(
    st.sampled_from(PARTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=2), max_size=25
).map("".join)
AWKWARD = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module", params=FAMILIES)
def reader(request, tmp_path_factory):
    import transformers

    tokenizer, options = FAMILIES[request.param]
    pieces = request.getfixturevalue(tokenizer)
    torch.manual_seed(7)
    config = getattr(transformers, f"{request.param}Config")(vocab_size=len(pieces), **options)
    folder = tmp_path_factory.mktemp(request.param)
    getattr(transformers, f"{request.param}Model")(config).save_pretrained(folder)
    pieces.save_pretrained(folder)
    return Reader.load(folder, SMALL, seed=3)


def asked(context: str, question: str = "who <pad> won") -> Corpus:
    return Corpus((Paragraph(context, (Question("q", question),)),))


def brute_force(reader: Reader, context: str, reach: int) -> dict[tuple[int, int], float]:
    """The score of every stretch that some pair of pieces in some window stands for, its ends made visible."""
    windows = make_windows(asked(context), reader.tokenizer, SMALL)
    starts, ends = windows.contexts.starts, windows.contexts.ends
    best: dict[tuple[int, int], float] = {}
    with torch.inference_mode():
        for row in range(len(windows)):
            batch = collate(windows, reader.layout, np.array([row], np.int32))
            start, end = (logits[0].numpy() for logits in reader.logits(batch))
            begin, stop = batch.context[0].tolist()
            for s in range(begin, stop):
                for e in range(s, min(stop, s + reach)):
                    first, last = (windows.first[row] + place - begin for place in (s, e))
                    if starts[last] < ends[last]:  # no answer ends behind its last visible character
                        key = (int(starts[first]), int(ends[last]))
                        best[key] = max(best.get(key, -math.inf), float(start[s] + end[e]))
    return best


@AWKWARD
@given(context=TEXTS, n=st.integers(1, 60), reach=st.integers(1, 12))
def test_the_n_best_are_the_best_stretches_visible_at_both_ends(reader, context, n, reach):
    expected = brute_force(reader, context, reach)
    options = AnswerOptions(n_best=n, max_answer_length=reach)
    (given,) = answer_corpus(reader, asked(context), options, pack=False)
    (nothing,) = [candidate for candidate in given if not candidate.text]
    found = [candidate for candidate in given if candidate.text]
    if not expected:
        assert (found, nothing.probability) == ([], 1.0)
        return
    assert sum(candidate.probability for candidate in given) < 1 + 1e-5
    scores = sorted(expected.values(), reverse=True)[:n]
    assert [candidate.score for candidate in found] == pytest.approx(scores, abs=1e-4)
    assert len({(candidate.start, candidate.end) for candidate in found}) == len(found) == min(n, len(expected))
    tokens = tokenise([context], reader.tokenizer)
    for candidate in found:
        assert candidate.text == context[candidate.start : candidate.end]
        assert expected[candidate.start, candidate.end] == pytest.approx(candidate.score, abs=1e-4)
        assert is_visible(candidate.text[0])
        assert is_visible(candidate.text[-1]) or is_mark(candidate.text[-1])
        after = context[candidate.end : candidate.end + 1]
        if after and is_mark(after):  # some piece has it
            assert ((tokens.starts <= candidate.end) & (candidate.end < tokens.ends)).any()


@AWKWARD
@given(context=TEXTS, question=TEXTS)
def test_packed_logits_are_those_of_the_windows_alone(reader, context, question):
    windows = make_windows(asked(context, question), reader.tokenizer, SMALL)
    batch = collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32))
    with torch.inference_mode():
        for packed, plain in zip(reader.logits(batch, pack=True), reader.logits(batch), strict=True):
            assert torch.isneginf(packed).equal(torch.isneginf(plain))
            assert (packed - plain)[~torch.isneginf(plain)].abs().max() < 1e-4


def test_padding_written_in_a_text_changes_neither_packed_nor_unpacked(reader):
    pad = reader.tokenizer.pad_token
    contexts = [
        f"the cup {pad} was won by {pad}{pad} hull",
        "the cup",
        f"{pad}{pad} the cup was won by leeds in 1920",
    ]
    corpus = Corpus(tuple(Paragraph(text, (Question(str(i), f"who {pad}"),)) for i, text in enumerate(contexts)))
    windows = make_windows(corpus, reader.tokenizer, SMALL)
    assert (windows.contexts.ids == reader.tokenizer.pad_token_id).sum() == 5
    batch = collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32))
    with torch.inference_mode():
        for packed, plain in zip(reader.logits(batch, pack=True), reader.logits(batch), strict=True):
            assert (packed - plain)[~torch.isneginf(plain)].abs().max() < 1e-4
