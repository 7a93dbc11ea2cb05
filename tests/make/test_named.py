"""Corpora by the name of how they are made, on the command line and in Python."""

import json

import pytest
import yaml

import polyspan as ps
from polyspan.cli.main import app
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.encoders.encoder import load_encoder
from polyspan.reading import build


def test_a_name_is_the_call():
    named = ps.read("make:permute(mini:en/test, seed=5)")
    assert named == ps.make.permute(ps.read("mini:en/test"), seed=5).corpus
    assert named.fingerprint() != ps.read("mini:en/test").fingerprint()


def test_names_nest():
    made = build("make:permute(make:sample(mini:zh/test, size=9, by=spread), unit=char, seed=2)")
    assert made.kept == 9
    assert made.options["unit"] == "char"


def test_a_corpus_as_an_option():
    assert build("make:sample(mini:en/train, like=mini:en/test)").kept == 96


def test_a_file_as_an_option(tmp_path):
    from polyspan.data.mini import dictionary

    made = build(f"make:codeswitch(mini:en/test, dictionary={dictionary('ko')}, target=ko, fields=question)")
    assert made.options["fields"] == ["question"]
    assert made.counts["switched"]["context"]["replaced"] == 0 < made.counts["switched"]["question"]["replaced"]


def test_pieces_are_those_of_the_bundled_encoder():
    corpus = ps.sample(ps.read("mini:en/test"), 8)
    named = ps.make.permute(corpus, unit="piece", seed=1)
    given = ps.make.permute(corpus, unit="piece", seed=1, tokenizer=load_encoder("bundled:e5-small")[1])
    assert named.corpus == given.corpus
    assert named.options == given.options
    built = build("make:permute(make:sample(mini:en/test, size=8), unit=piece, seed=1)")
    assert built.options["tokenizer"] == "bundled:e5-small"


def test_none_is_a_word_where_an_option_is_text():
    made = build("make:codeswitch(mini:en/test, dictionary=mini:ko, target=ko, join=none)")
    assert made.options["join"] == "none"
    assert build("make:permute(mini:en/test, bins=none)").options["bins"] is None


def test_a_language_as_an_option():
    made = build("make:codeswitch(mini:en/test, dictionary=mini:ko, target=nan)")  # Min Nan, and no number
    assert made.options["target"] == "nan"
    assert build("make:codeswitch(mini:en/test, dictionary=mini:kor, target=kor)").options["target"] == "ko"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("make:permut(mini:en/test)", "permute"),
        ("make:permute(mini:en/test, sed=1)", "seed"),
        ("make:permute(mini:en/test, seed)", "without a value"),
        ("make:permute mini:en/test", "cannot read"),
        ("make:permute(mini:en/test))(", "cannot read"),
        ("make:permute((mini:en/test, seed=1)", "brackets"),
        ("make:codeswitch(mini:en/test)", "dictionary"),
        ("make:sample(mini:en/nowhere, size=3)", "mini"),
    ],
)
def test_mistakes_are_named(name, part):
    with pytest.raises((UsageError, PolyspanError), match=part):
        ps.read(name)


@pytest.mark.parametrize(
    "call",
    [
        ["permute", "mini:ko/test", "--unit", "char"],
        ["codeswitch", "mini:en/test", "--dictionary", "{words}", "--target", "ja"],
        ["codeswitch", "mini:en/test", "--dictionary", "mini:fr", "--target", "fr", "--field", "question"],
        ["translate", "mini:en/test", "--to", "zh", "--engine", "file:mini"],
        ["sample", "mini:fr/train", "--size", "7", "--by", "spread"],
        ["mix", "mini:en/test", "mini:ja/test"],
        ["reorder", "mini:en/test", "--order", "sov", "--parser", "conllu:nowhere.conllu"],
    ],
)
def test_the_verbs_write_corpus_and_card(call, tmp_path, capsys):
    from polyspan.data.mini import dictionary

    out = tmp_path / "out.json"
    words = str(dictionary("ja"))
    arguments = ["make", *(part.format(words=words) for part in call), "--out", str(out), "--json"]
    if call[0] == "reorder":
        with pytest.raises(PolyspanError, match=r"nowhere"):
            app(arguments, standalone_mode=False)
        return
    app(arguments, standalone_mode=False)
    printed = json.loads(capsys.readouterr().out)
    card = yaml.safe_load((tmp_path / "out.json.card.yaml").read_text("utf-8"))
    assert {key: card[key] for key in ("kept", "dropped", "ambiguous", "questions", "options")} == {
        key: printed[key] for key in ("kept", "dropped", "ambiguous", "questions", "options")
    }
    assert len(ps.read(out, "en")) == printed["questions"] == printed["kept"] > 0
