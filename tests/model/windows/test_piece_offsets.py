"""Which characters a piece stands for: byte-level tokenizers of all shapes, marks, invisible characters."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, processors, trainers
from tokenizers import pre_tokenizers as pre
from transformers import PreTrainedTokenizerFast

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.model.windows.bytelevel import byte_places
from polyspan.model.windows.tokens import require_places, tokenise
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.text import is_mark, is_visible

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TEXTS = ["the mill was built in Amsterdam in 1840 by Arno Feld", "de molen brandde af in Leiden in 1861"] * 8
MILLS = {
    "The mill was built in Amsterdam in 1840 by Arno Feld.": ("Amsterdam", "1840", "Arno Feld", "The"),
    "De molen (gebouwd in Leiden) kostte 900 gulden.": ("Leiden", "900 gulden", "De"),
    "The tag <s>Amsterdam and <mask> Leiden in 1840.": ("Amsterdam", "Leiden", "<mask>", "1840"),
    "東京 is 大阪, in 1840": ("東京", "大阪", "京", "1840"),
    "Two  spaces,\n\nbreaks\u3000and Arno\tFeld": ("spaces", "breaks", "and", "Arno\tFeld"),
}


def roberta(prefix: bool):
    return processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=prefix)


SHAPES = {
    "roberta": (pre.ByteLevel(add_prefix_space=False), roberta(False)),
    "prefix": (pre.ByteLevel(add_prefix_space=True), roberta(True)),
    "prefix_mismatch": (pre.ByteLevel(add_prefix_space=True), roberta(False)),
    "other_mismatch": (pre.ByteLevel(add_prefix_space=False), roberta(True)),
    "whitespace": (pre.Sequence([pre.Whitespace(), pre.ByteLevel(True), pre.Punctuation()]), roberta(True)),
    "whitespace_template": (pre.Sequence([pre.Whitespace(), pre.ByteLevel(True), pre.Punctuation()]), None),
    "no_trim": (pre.ByteLevel(add_prefix_space=True, trim_offsets=False), None),
    "split": (pre.Sequence([pre.Split(" ", "isolated"), pre.ByteLevel(True)]), roberta(True)),
    "whitespace_split": (pre.Sequence([pre.WhitespaceSplit(), pre.ByteLevel(True)]), roberta(True)),
    "digits": (pre.Sequence([pre.Digits(individual_digits=True), pre.ByteLevel(False)]), roberta(False)),
}


def wrap(backend, post=None):
    backend.post_processor = post or processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = ("bos_token", "pad_token", "eos_token", "unk_token", "mask_token")
    named = dict(zip(names, SPECIAL, strict=True)) | {"cls_token": "<s>", "sep_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=512, **named)


def byte_level(split, post=None, normalizer=None):
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = split
    if normalizer is not None:
        backend.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=SPECIAL, initial_alphabet=pre.ByteLevel.alphabet(), show_progress=False
    )
    backend.train_from_iterator(TEXTS, trainer)
    return wrap(backend, post)


def accentless():
    """A WordPiece tokenizer of single characters that takes accents off, as uncased BERT does."""
    letters = {char for code in range(0x20, 0x3000) if not (char := chr(code)).isspace()}
    pieces = [*SPECIAL, *sorted(letters), *sorted("##" + letter for letter in letters)]
    backend = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    backend.pre_tokenizer = pre.BertPreTokenizer()
    return wrap(backend)


def labelled(context: str, answer: str, tokenizer) -> str:
    """The answer that training's label gives back: gold → pieces → text."""
    question = Question("q", "who", (Answer(answer, context.index(answer)),))
    corpus = Corpus((Paragraph(context, (question,)),))
    windows = make_windows(corpus, tokenizer, WindowOptions(), training=True)
    first, last = windows.label_start[0], windows.label_end[0]
    return context[windows.contexts.starts[first] : windows.contexts.ends[last]]


@pytest.mark.parametrize("shape", SHAPES)
def test_no_letter_is_lost_whatever_the_shape(shape):
    tokenizer = byte_level(*SHAPES[shape])
    require_places(tokenizer, shape)
    for context, answers in MILLS.items():
        assert [labelled(context, answer, tokenizer) for answer in answers] == list(answers)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_added_token_may_take_the_spaces_beside_it(shape):
    tokenizer = byte_level(*SHAPES[shape])
    tokenizer.add_special_tokens({"mask_token": AddedToken("<mask>", lstrip=True, special=True)})
    tokenizer.add_tokens([AddedToken("Ärno", lstrip=True, rstrip=True)])
    require_places(tokenizer, shape)
    context = "A mill <mask> by Ärno Feld in Leiden"
    for answer in ("mill", "by", "Ärno", "Feld", "Leiden"):
        assert labelled(context, answer, tokenizer) == answer


def test_offsets_that_cannot_be_mended_are_refused():
    """A byte-level tokenizer that changes the text before it reads it, with offsets that lose first letters."""
    shapes = (SHAPES["prefix_mismatch"], SHAPES["whitespace"])
    for split, post in shapes:
        lower = byte_level(split, post, normalizers.Lowercase())
        with pytest.raises(PolyspanError, match="does not say where its pieces stand") as caught:
            require_places(lower, "lower")
        assert "no piece has the" in caught.value.found
        with pytest.raises(PolyspanError, match="does not say"):
            tokenise(["The mill in Amsterdam"], lower)
    right = byte_level(pre.ByteLevel(add_prefix_space=False), None, normalizers.NFC())
    require_places(right, "right")
    assert labelled("Cafe\u0301 Noir in Leiden", "Noir", right) == "Noir"


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20), prefix=st.booleans())
def test_bytes_are_laid_on_the_characters_that_they_spell(text, prefix):
    """Against the offsets of a plain byte-level tokenizer; a space put before the text claims the first letter."""
    tokenizer = PLAIN[prefix].backend_tokenizer
    encoding = tokenizer.encode(text, add_special_tokens=False)
    found = byte_places(text, encoding.tokens)
    claims = zip(*(found or ([], [])), encoding.tokens, encoding.offsets, strict=True)
    for start, end, piece, claim in claims:
        assert text[start:end].strip() == ("" if piece == "Ġ" else text[claim[0] : claim[1]].strip())


PLAIN = {
    prefix: byte_level(pre.ByteLevel(add_prefix_space=prefix, trim_offsets=False)) for prefix in (False, True)
}


@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ("เขาสร้างโรงสีที่เมืองเชียงใหม่ ในปี 1840", "เชียงใหม่"),
        ("โดยคนชื่อสมศรี.", "สมศรี"),
        ("यह चक्की जॉन एलवे ने", "जॉन एलवे"),
        ("यह चक्की जॉन एलवे ने", "चक्की"),
        ("the cafe\u0301 is", "cafe\u0301"),
        ("كتبها مُحَمَّدٌ هنا", "مُحَمَّدٌ"),
    ],
)
def test_answers_end_with_all_marks_of_their_last_letter(context, answer):
    assert labelled(context, answer, accentless()) == answer


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\ufeff", "\u200e", "\u200f", "\u2068", "\xad", "\u2060", "ㅤ", "\x07", "\u3000"]
)
def test_pieces_begin_and_end_with_a_visible_character(hidden):
    context = f"by {hidden}Arno Feld{hidden} in"
    for tokenizer in PLAIN.values():
        tokens = tokenise([context], tokenizer)
        assert labelled(context, "Arno Feld", tokenizer) == "Arno Feld"
        assert labelled(context, f"{hidden}Arno Feld{hidden}", tokenizer) == "Arno Feld"
        for start, end in zip(tokens.starts, tokens.ends, strict=True):
            assert start >= end or (is_visible(context[start]) and is_visible(context[end - 1]))


def test_a_variation_selector_goes_with_its_character():
    for tokenizer in (*PLAIN.values(), accentless()):
        assert labelled("a ❤\ufe0f b", "❤\ufe0f", tokenizer) == "❤\ufe0f"
        assert labelled("a \ufe0fb", "\ufe0fb", tokenizer) == "b"


def test_visible_characters_and_marks():
    assert all(map(is_visible, "a東\u0301\ue000\U0001f469<\u0600"))
    assert not any(map(is_visible, " \u3000\n\x00\x85\u200b\u200d\ufeff\u2066\ufe0f\u034f\U000e0061"))
    assert [is_mark(char) for char in "a\u0301\u0e37\ufe0f"] == [False, True, True, True]
    assert unicodedata.category("\u0903") == "Mc"
    assert is_mark("\u0903")
