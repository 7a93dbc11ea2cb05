import hashlib

import pytest

import polyspan as ps
from polyspan.data.cache import Shelf
from polyspan.errors import PolyspanError
from polyspan.make.reordering import parsers
from polyspan.make.reordering.conllu import (
    Sentence,
    Token,
    first_difference,
    locate,
    parse_conllu,
    read_conllu,
    relation_v2,
)
from polyspan.make.reordering.parsers import CachedParser, open_parser


def trees(*lines: str, comments: tuple[str, ...] = ()) -> str:
    """A sentence in CoNLL-U from `ID FORM UPOS XPOS HEAD DEPREL [MISC]`."""
    rows = []
    for line in lines:
        number, form, upos, xpos, head, relation, *misc = line.split()
        rows.append("\t".join([number, form, form, upos, xpos, "_", head, relation, "_", *(misc or ["_"])]))
    return "\n".join([*comments, *rows, "", ""])


CAT = ("1 The DET DT 2 det", "2 cat NOUN NN 3 nsubj", "3 ran VERB VBD 0 root SpaceAfter=No", "4 . PUNCT . 3 punct")


def test_words_stand_in_the_text_of_the_comment_or_of_the_spaces():
    for comments in ((), ("# sent_id = 1", "# text = The  cat ran.")):
        (sentence,) = parse_conllu(trees(*CAT, comments=comments))
        assert sentence.text == ("The  cat ran." if comments else "The cat ran.")
        assert [sentence.text[token.start : token.end] for token in sentence.tokens] == ["The", "cat", "ran", "."]
        assert [token.head for token in sentence.tokens] == [1, 2, -1, 2]
        assert (sentence.start, sentence.end) == (0, len(sentence.text))


def test_ten_columns_with_spaces_and_no_last_line_break():
    text = "1 He he _ PRP _ 2 nsubj _ _\n2 ran run _ VBD _ 0 ROOT _ _"
    (sentence,) = parse_conllu(text)
    assert [(token.form, token.xpos, token.relation) for token in sentence.tokens] == [
        ("He", "PRP", "nsubj"),
        ("ran", "VBD", "root"),
    ]


def test_words_that_spell_a_word_of_the_text_are_words_and_others_are_one():
    text = trees(
        "1-2 don't _ _ _ _", "1 do AUX _ 3 aux", "2 n't PART _ 3 advmod", "2.1 x _ _ _ _", "3 go VERB _ 0 root"
    )
    (sentence,) = parse_conllu(text)
    assert sentence.text == "don't go"
    assert [token.form for token in sentence.tokens] == ["do", "n't", "go"]
    text = trees(
        "1 Sors VERB _ 0 root",
        "2-3 du _ _ _ _",
        "2 de ADP _ 4 case",
        "3 le DET _ 4 det",
        "4 bois NOUN _ 1 obl SpaceAfter=No",
        "5 ! PUNCT _ 1 punct",
    )
    (sentence,) = parse_conllu(text)
    assert sentence.text == "Sors du bois!"
    assert [(token.form, token.head, token.relation) for token in sentence.tokens] == [
        ("Sors", -1, "root"),
        ("du", 2, "case"),
        ("bois", 0, "obl"),
        ("!", 0, "punct"),
    ]


def test_children_of_any_part_hang_below_the_whole_word():
    text = trees("1-2 dámelo _ _ _ _", "1 da VERB _ 0 root", "2 melo PRON _ 1 obj", "3 ya ADV _ 2 advmod")
    (sentence,) = parse_conllu(text)
    assert [(token.form, token.head) for token in sentence.tokens] == [("dámelo", -1), ("ya", 0)]


@pytest.mark.parametrize(
    ("old", "head", "new"),
    [
        ("nsubjpass", "seen", "nsubj:pass"),
        ("dobj", "saw", "obj"),
        ("auxpass", "seen", "aux:pass"),
        ("prt", "took", "compound:prt"),
        ("neg", "go", "advmod"),
        ("relcl", "man", "acl:relcl"),
        ("ROOT", "go", "root"),
        ("attr", "is", "attr"),
        ("acomp", "’s", "acomp"),
        ("acomp", "looks", "xcomp"),
        ("oprd", "named", "xcomp"),
        ("obl:agent", "seen", "obl:agent"),
    ],
)
def test_relations_of_older_schemes(old, head, new):
    assert relation_v2(old, head) == new


def test_penn_escapes_stand_for_what_the_text_has():
    forms = ["``", "No", "''", "-LRB-", "he", "said", "-RRB-", "..."]
    text = '"No" (he said)…'
    assert [text[start:end] for start, end in locate(forms, text)] == ['"', "No", '"', "(", "he", "said", ")", "…"]
    (sentence,) = parse_conllu("1 -LRB- _ _ -LRB- _ 2 punct\n2 ran _ _ VBD _ 0 root\n")
    assert sentence.text == "( ran"


def test_the_first_difference_is_shown_from_where_the_two_part():
    assert first_difference(["The", "cat", "sat", "."], "The cat ran.") == ("'ran.'", "'sat .'")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda text: text.replace("\tNN\t_\t3\tnsubj\t_\t_", ""), 2, ("too few columns", "4: ")),
        (lambda text: text.replace("2\tcat", "3\tcat"), 2, ("wrong number", "'3'", "expected: 2")),
        (lambda text: text.replace("2\tcat", "2\t "), 2, ("has no word",)),
        (lambda text: text.replace("\t3\tnsubj", "\t_\tnsubj"), 2, ("has no head", "'_'")),
        (lambda text: text.replace("\t3\tnsubj", "\t9\tnsubj"), 2, ("head that is not there", "9", "at most 4")),
        (lambda text: text.replace("\t3\tnsubj", "\t1\tnsubj"), 1, ("its own ancestor", "The → cat → The")),
        (lambda text: "# text = The cat sat.\n" + text, 4, ("does not match the sentence's text", "ran", "sat")),
        (lambda text: "# text = The cat ran. Away.\n" + text, 5, ("not the end of the sentence's text", "Away")),
    ],
)
def test_a_broken_line_is_named(tmp_path, change, line, words):
    path = tmp_path / "trees.conllu"
    path.write_text(change(trees(*CAT)))
    with pytest.raises(PolyspanError) as error:
        read_conllu(path)
    assert f"trees.conllu, line {line}" in str(error.value)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_files_without_trees(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text("# text = nothing\n\n")
    with pytest.raises(PolyspanError, match="no tree in the file"):
        read_conllu(path)
    path.write_bytes(b"# ok\n1\t\xff\n")
    with pytest.raises(PolyspanError, match=r"is not UTF-8\n.*line 2"):
        read_conllu(path)
    with pytest.raises(PolyspanError, match="cannot read"):
        read_conllu(tmp_path / "none.conllu")


# Parsers, their cache, and what they need


def one_word(calls: list[list[str]]):
    def parse(texts):
        calls.append(list(texts))
        return [[Sentence(text, (Token(text, "VERB", "VB", -1, "root", 0, len(text)),))] for text in texts]

    return parse


def test_trees_are_cached_for_all_runs_and_broken_lines_parsed_again():
    calls: list[list[str]] = []
    parser = CachedParser("toy:x", "1", one_word(calls))
    first = parser.parse(["bb", "a", "bb", " "])
    assert [len(trees) for trees in first] == [1, 1, 1, 0]
    assert calls == [["a", "bb"]]
    assert parser.parse(["a", "bb"]) == [first[1], first[0]]
    assert CachedParser("toy:x", "1", one_word(calls)).parse(["bb"]) == [first[0]]
    assert len(calls) == 1
    CachedParser("toy:x", "2", one_word(calls)).parse(["bb"])
    assert len(calls) == 2
    shelf = Shelf("parses", "toy:x 1")
    key = hashlib.sha256(b"bb").hexdigest()
    shelf.put({key: shelf.get([key])[key][:-4]}, again=True)  # of another form than is written today
    again = CachedParser("toy:x", "1", one_word(calls))
    assert again.parse(["a", "bb", "c"]) == [first[1], first[0], *one_word([])(["c"])]
    assert calls[-1] == ["c", "bb"]
    assert CachedParser("toy:x", "1", one_word(calls)).parse(["a", "bb", "c"])[1] == first[0]
    assert len(calls) == 3


@pytest.mark.parametrize(
    "broken",
    [
        Sentence("The cat", (Token("The", "", "DT", -1, "root", 0, 3),)),
        Sentence("cat", (Token("cat", "", "NN", -1, "root", 0, 3),), 4),
        Sentence("The cat", (Token("The", "", "DT", 7, "det", 0, 3), Token("cat", "", "NN", -1, "root", 4, 7))),
    ],
)
def test_a_parse_that_is_not_its_text_is_refused(broken):
    parser = CachedParser("toy:y", "1", lambda texts: [[broken] for _ in texts])
    with pytest.raises(PolyspanError, match="a parse does not match its text"):
        parser.parse(["The cat"])


def test_a_missing_library_or_model_gives_the_way_to_get_it(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(parsers.importlib, "import_module", missing)
    for name in ("spacy", "stanza"):
        with pytest.raises(PolyspanError, match=f"pip install {name}"):
            open_parser(f"{name}:en")


def test_a_stanza_document_goes_through_conllu(monkeypatch):
    class Document:
        def __format__(self, spec):
            assert spec == "c"
            return trees(*CAT) + trees(*CAT)

    class Stanza:
        __version__ = "1"

        @staticmethod
        def Pipeline(language, **options):
            assert language == "en"
            return Stanza

        @staticmethod
        def bulk_process(texts):
            return [Document() for _ in texts]

    monkeypatch.setattr(parsers.importlib, "import_module", lambda name: Stanza)
    (sentences,) = open_parser("stanza:en").parse(["The cat ran.\nThe  cat ran."])
    assert [(sentence.start, sentence.end) for sentence in sentences] == [(0, 12), (13, 26)]
    with pytest.raises(PolyspanError, match="does not match its text"):
        open_parser("stanza:en").parse(["The cat ran. A cat ran."])


@pytest.mark.realdata
def test_the_english_web_treebank(data):
    sentences = read_conllu(data / "ud_english_ewt" / "en_ewt-ud-dev.conllu")
    assert len(sentences) == 2001
    assert sum(len(sentence.tokens) for sentence in sentences) == 25_147
    for sentence in sentences:
        for token in sentence.tokens:
            assert sentence.text[token.start : token.end] == token.form


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_mini_corpus_has_a_tree_for_every_english_sentence(split):
    corpus = ps.read(f"mini:en/{split}")
    texts = [text for p in corpus.paragraphs for text in (p.context, *(q.text for q in p.questions))]
    for text, sentences in zip(texts, open_parser("conllu:mini").parse(texts), strict=True):
        words = "".join(word.form for sentence in sentences for word in sentence.tokens)
        assert words == "".join(text.split())
