"""What a maker says of what it made: its sentence, its examples, its files, and plain text through every maker."""

import inspect
import json

import pytest

import polyspan as ps
from polyspan.cli.main import app
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.make.codeswitching.codeswitching import codeswitch
from polyspan.make.dictionary import Dictionary

SENTENCES = """\
I don’t know the miller.
The cat sat on the mat.

Über den Bergen ist es weit.
She is glad.
The mill was built in 1840.
Water is cold.
The river ran past the mill.
He read a book.
The book was long."""
FRENCH = Dictionary({"don't": ("ne",), "the": ("le",), "cat": ("chat",), "mill": ("moulin",)}, "words.txt")


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text(SENTENCES.replace("mat.\n", "mat.\r\n"), "utf-8", newline="")
    return path


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("".join(f"{word} {options[0]}\n" for word, options in FRENCH.entries.items()), "utf-8")
    return path


def run(*arguments):
    app(["make", *map(str, arguments)], standalone_mode=False)


def test_ten_sentences_code_switched_line_for_line(text, words, tmp_path, capsys):
    out = tmp_path / "x.txt"
    run("codeswitch", text, "--dictionary", words, "--target", "fr", "--out", out, "--show", 2)
    lines = out.read_text("utf-8").split("\n")
    assert lines[:6] == [
        "I ne know le miller.",
        "Le chat sat on le mat.",
        "",
        "Über den Bergen ist es weit.",
        "She is glad.",
        "Le moulin was built in 1840.",
    ]
    assert len(lines) == len(SENTENCES.split("\n")) + 1
    assert lines[-1] == ""
    assert capsys.readouterr().out.split("\n") == [
        "before: I don’t know the miller.",
        "after:  I ne know le miller.",
        "",
        "before: The cat sat on the mat.",
        "after:  Le chat sat on le mat.",
        "",
        "10 sentences; 11 of 43 words replaced by their translations (25.6 %)",
        f"{out}; all counts: {out}.card.yaml",
        "",
    ]


def test_ten_sentences_permuted_and_back(text, tmp_path, capsys):
    run("permute", text, "--out", tmp_path / "p.txt", "--seed", 3)
    assert capsys.readouterr().out.startswith("10 sentences; ")
    permuted = (tmp_path / "p.txt").read_text("utf-8")
    assert permuted.count("\n") == 10
    assert permuted != SENTENCES
    run("permute", tmp_path / "p.txt", "--out", tmp_path / "q.txt", "--seed", 3, "--invert", "--json")
    assert (tmp_path / "q.txt").read_text("utf-8") == SENTENCES + "\n"


def test_sentences_for_a_spreadsheet(text, tmp_path, run):
    code, _, err = run("make", "permute", text, "--out", tmp_path / "p.csv", "--format", "csv")
    assert code == 0, err
    data = (tmp_path / "p.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfcontext\r\n")
    assert data.count(b"\r\n") == 1 + len(SENTENCES.splitlines())


def test_fewer_than_no_examples_are_refused(text, run):
    code, _, err = run("make", "permute", text, "--out", text.parent / "q.txt", "--show", "-1")
    assert code == 2
    assert "no fewer than no examples" in err


def test_a_line_without_a_translation_is_left_empty_and_counted(tmp_path):
    (tmp_path / "t.txt").write_text("a cat\na dog\n\na fox\n", "utf-8")
    (tmp_path / "t.tsv").write_text("a cat\tun chat\na fox\tun renard\n", "utf-8")
    corpus = ps.read(tmp_path / "t.txt", "en")
    made = ps.make.translate(corpus, "fr", f"file:{tmp_path / 't.tsv'}")
    assert [paragraph.context for paragraph in made.corpus.paragraphs] == ["un chat", "", "", "un renard"]
    assert made.counts["contexts_untranslated"] == 1
    assert made.summary() == "4 sentences; 3 sentences given to the engine; contexts without a translation: 1"


def test_plain_text_is_no_data_set_to_answer(text, tmp_path):
    assert not len(ps.read(text))
    fault = ps.check(text).as_json()["faults"][0]
    assert (fault["rule"], fault["found"]) == ("no-questions", "plain text")
    for name in ("x.json", "x.csv", "x.parquet"):
        with pytest.raises(UsageError, match="contexts alone"):
            write(ps.read(text), tmp_path / name)
    with pytest.raises(UsageError, match="no place for questions"):
        write(ps.read("mini:en/test"), tmp_path / "x.txt")
    with pytest.raises(UsageError, match="no questions to draw"):
        ps.make.sample(ps.read(text), 3)
    (tmp_path / "latin.txt").write_bytes("Über".encode("latin-1"))
    with pytest.raises(PolyspanError, match="encoding"):
        ps.read(tmp_path / "latin.txt")


def test_json_that_is_called_a_text_is_json(tmp_path):
    corpus = ps.read("mini:en/test")
    write(corpus, tmp_path / "x.json")
    (tmp_path / "x.json").rename(tmp_path / "x.txt")
    assert ps.read(tmp_path / "x.txt").fingerprint() == corpus.fingerprint()
    (tmp_path / "y.txt").write_text('[1] {"a note"}\n', "utf-8")
    assert ps.read(tmp_path / "y.txt").paragraphs[0].context == '[1] {"a note"}'


def test_examples_of_questions_and_as_json(tmp_path, capsys):
    arguments = ["codeswitch", "mini:en/test", "--dictionary", "mini:fr", "--target", "fr", "--show", 3]
    run(*arguments, "--out", tmp_path / "x.json", "--json")
    told = json.loads(capsys.readouterr().out)
    assert len(told["examples"]) == 3
    assert told["ratio"]["words"] > 0
    for example, (paragraph, question) in zip(told["examples"], ps.read("mini:en/test").questions(), strict=False):
        answer = question.answers[0].text
        assert (example["id"], example["before"]["question"]) == (question.id, question.text)
        assert example["before"]["answer"] == answer
        assert answer in example["before"]["sentence"]
        assert example["before"]["sentence"] in paragraph.context
        assert example["after"]["answer"] in example["after"]["sentence"] != example["before"]["sentence"]
    run(*arguments, "--out", tmp_path / "x.json")
    assert len(capsys.readouterr().out.strip().split("\n")) == 3 * 7 + 2


@pytest.mark.parametrize(
    ("dictionary", "fix"),
    [
        (Dictionary({"chien": ("dog",)}, "d"), "another dictionary"),
        (Dictionary({"chat": ("cat",), "moulin": ("mill",)}, "d"), "goes the other way"),
    ],
)
def test_a_dictionary_that_hits_nothing_is_an_error(text, dictionary, fix):
    with pytest.raises(PolyspanError, match="for no word of the corpus") as raised:
        codeswitch(ps.read(text), dictionary, "fr")
    assert fix in raised.value.fix
    assert not codeswitch(ps.read(text), FRENCH, "fr", rate=0.0).counts["switched"]["context"]["replaced"]


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_a_file_for_a_spreadsheet_is_read_back(tmp_path, format):
    corpus = ps.make.permute(ps.read("mini:ja/test"), seed=1).corpus
    out = tmp_path / f"x.{format}"
    write(corpus, out, format)
    data = out.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfquestion")
    assert data.count(b"\r\n") >= 97
    head = data.decode("utf-8-sig").split("\r\n")[0]
    assert head.replace("\t", ",") == "question,context,answer,answer_start,id,title,language"
    assert ps.read(out).fingerprint() == corpus.fingerprint()


def test_several_answers_none_and_awkward_texts_in_a_spreadsheet(tmp_path):
    context = 'He said "no", then\nleft; at 10.'
    one, other = ps.Answer("no", 9), ps.Answer("10", len(context) - 3)
    questions = (
        ps.Question("1", "What, he said?", (one, other)),
        ps.Question("2", "Why?", (), True),
        ps.Question("3", "When?", (other,)),
    )
    corpus = ps.Corpus((ps.Paragraph(context, questions, "t"),))
    for asked in (corpus, ps.Corpus((ps.Paragraph(context, questions[1:], "t"),))):
        write(asked, tmp_path / "x.csv", "csv")
        assert ps.read(tmp_path / "x.csv").fingerprint() == asked.fingerprint()
    with pytest.raises(UsageError, match="not one of csv"):
        write(corpus, tmp_path / "x.json", "csv")
    with pytest.raises(UsageError, match="unknown format"):
        write(corpus, tmp_path / "x.csv", "xls")


VERBS = {
    "permute": [],
    "codeswitch": ["--dictionary", "mini:fr", "--target", "fr"],
    "reorder": ["--order", "random", "--parser", "conllu:mini"],
    "translate": ["--to", "fr", "--engine", "file:mini"],
    "backtranslate": ["--pivot", "fr", "--forward", "file:mini", "--backward", "file:mini"],
    "sample": ["--size", "9"],
    "unanswerable": ["--share", "0.1"],
    "mix": ["mini:ko/test"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_maker_takes_a_seed_and_its_card_has_it(verb, tmp_path, capsys):
    for more, seed in (
        (["--seed", "7"], 7),
        ([], inspect.signature(getattr(ps.make, verb)).parameters["seed"].default),
    ):
        run(verb, "mini:en/test", *VERBS[verb], "--out", tmp_path / "x.json", "--json", *more)
        assert json.loads(capsys.readouterr().out)["options"]["seed"] == seed
    run(verb, "mini:en/test", *VERBS[verb], "--out", tmp_path / "x.csv", "--format", "csv")
    assert len(capsys.readouterr().out.strip().split("\n")) == 2
    assert len(ps.read(tmp_path / "x.csv"))
