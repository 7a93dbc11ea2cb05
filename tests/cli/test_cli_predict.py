"""`polyspan predict --model llm:…`: files, remarks, and options of one kind of model that another lacks."""

import json

import pytest

from polyspan.data.write import write


@pytest.fixture
def call(corpus, tmp_path):
    """The words of a call, but for the model."""
    write(corpus, tmp_path / "dev.json")
    return ("predict", "--data", tmp_path / "dev.json", "--out", tmp_path / "a.json", "--model")


def test_answers_and_the_model_s_own_words(server, run, call, tmp_path):
    server.answers = lambda prompt: "in Leeds!" if "who won" in prompt else "unanswerable"
    options = ("--no-answer", "--shots", "2", "--shots-data", "mini:en/train", "--body", '{"top_p": 1}')
    code, out, err = run(*call, server.name, *options)
    assert code == 0, err
    assert "5 answers:" in out
    assert f"asking {server.name}" in err
    assert "2 of 5 questions have an answer that is not in their context" in err
    assert "3 of 5 questions are not answered" in err
    assert "50 tokens asked, 7 in reply" in err
    said = json.loads((tmp_path / "a.json.said.json").read_text("utf-8"))
    assert said == {"0-0": "in Leeds!", "0-1": "", "1-0": "in Leeds!", "1-1": "", "2-0": ""}
    assert len(server.asked[0]["messages"]) == 5
    assert server.asked[0]["top_p"] == 1
    code, out, _ = run(*call, server.name, *options, "--recover", "boundary", "--json")
    facts = json.loads(out)
    assert (facts["new"], facts["questions"], facts["template"]) == (0, 5, "en")
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["0-0"] == "by leeds"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--nbest n.json", "--nbest means nothing to a language model"),
        ("--max-answer-length 30", "--max-answer-length means nothing to a language model"),
        ("--no-pack", "means nothing to a language model"),
        ("--shots 2", "examples need a number and data"),
        ("--recover nearest", "unknown recovery policy 'nearest'"),
        ("--body [1]", "--body is no JSON object"),
        ("--body {", "--body is no JSON object"),
        ("--parallel 0", "parallel must be at least 1"),
        ("--max-tokens 0", "max_tokens must be at least 1"),
        ("--templates none.yaml", "cannot read none.yaml"),
    ],
)
def test_options_that_cannot_be(server, run, call, options, message):
    code, out, err = run(*call, server.name, *options.split())
    assert code in (1, 2)
    assert out == ""
    assert message in err
    assert server.asked == []


def test_a_reader_has_no_options_of_language_models(run, call):
    code, _, err = run(*call, "reader", "--shots", "2")
    assert code == 2
    assert "--shots means nothing to a Reader" in err


def test_a_page_of_html(server, run, call):
    from llm_server import says

    server.always = says(200, "<!doctype html><title>Router login</title>", "text/html")
    code, out, err = run(*call, server.name)
    assert (code, out) == (1, "")
    assert "the endpoint gives a web page, no answer of a language model" in err
    assert "Router login" in err
    assert "Traceback" not in err
