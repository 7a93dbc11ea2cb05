"""What a language model is asked, what its name means, and which answer is in its reply."""

from dataclasses import replace

import pytest

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.llm.language_model import LanguageModel
from polyspan.model.llm.llm_name import Endpoint, content_of, endpoint_of, fixed_name
from polyspan.model.llm.prompting import NO_ANSWER, Prompting, template_for, templates
from polyspan.model.llm.reply import LlmReply, said
from polyspan.prediction import predict_llm


def other(many: int = 3, language: str = "en") -> Corpus:
    """Data to draw examples from; the last question has no answer."""
    asked = [Question(f"other-{at}", f"which {at}", (Answer(f"n{at}", 0),)) for at in range(many)]
    asked.append(Question("other-none", "which none", impossible=True))
    return Corpus((Paragraph("n0 n1 n2 {context}", tuple(asked)),), "other", language)


def test_a_prompt_has_the_task_the_context_and_the_question(corpus):
    (first, *rest) = Prompting().prompts(corpus)["0-0"]
    assert rest == []
    assert first["role"] == "user"
    assert first["content"].startswith("Answer the question with the shortest words copied exactly from the text")
    asked = "Text: The cup was won by leeds in 1920.\nQuestion: who won\nAnswer:"
    assert first["content"].endswith(f"\n\n{asked}")
    assert NO_ANSWER not in first["content"]


@pytest.mark.parametrize(
    ("language", "template"),
    [("zh", "zh"), ("zh-TW", "zh-Hant"), ("zh-Hant-HK", "zh-Hant"), ("pt-BR", "pt"), ("sw", "en"), (None, "en")],
)
def test_each_language_has_its_template_or_english_s(corpus, language, template):
    prompting, asked = Prompting(), replace(corpus, language=language)
    assert prompting.template_language(asked) == template
    assert templates()[template].task in prompting.prompts(asked)["0-0"][0]["content"]


def test_templates_are_whole_and_differ():
    known = templates()
    assert {"ar", "de", "el", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "tr", "vi", "zh", "zh-Hant"} <= set(
        known
    )
    assert len({one.ask for one in known.values()}) == len(known)
    for one in known.values():
        assert NO_ANSWER in one.first(no_answer=True)
        assert "{" not in one.first(no_answer=True) + one.question("a {b} c", "q").replace("{b}", "")
        assert one.ask[-1] in ":：" or one.language == "fr"


def test_examples_are_earlier_turns_in_their_own_language(corpus):
    prompting = Prompting(shots=2, examples=[other(language="fr")], seed=1)
    turns = prompting.prompts(replace(corpus, language="ko"))["0-0"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert turns[0]["content"].startswith("본문에서")
    assert "Texte : n0 n1 n2 {context}\nQuestion : which" in turns[0]["content"]
    assert turns[2]["content"].startswith("Texte : ")
    assert turns[4]["content"].startswith("본문: The cup")
    assert turns[1]["content"] in ("n0", "n1", "n2")
    assert turns == prompting.prompts(replace(corpus, language="ko"))["0-0"]
    drawn = {
        Prompting(shots=1, examples=[other(9)], seed=seed).prompts(corpus)["0-0"][1]["content"]
        for seed in range(9)
    }
    assert len(drawn) > 2


def test_examples_without_an_answer_only_where_there_may_be_none(corpus):
    shown = {
        no_answer: [
            turn["content"]
            for turn in Prompting(3 + no_answer, [other()], no_answer=no_answer).prompts(corpus)["0-0"]
            if turn["role"] == "assistant"
        ]
        for no_answer in (False, True)
    }
    assert sorted(shown[False]) == ["n0", "n1", "n2"]
    assert sorted(shown[True]) == ["n0", "n1", "n2", NO_ANSWER]


def test_examples_are_never_of_what_is_asked(corpus):
    with pytest.raises(PolyspanError, match="the examples of tiny are in tiny too"):
        Prompting(1, [corpus]).prompts(corpus)
    parallel = Corpus((Paragraph("other words", corpus.paragraphs[0].questions),), "parallel", "fr")
    with pytest.raises(PolyspanError, match="the examples of parallel are in tiny too") as caught:
        Prompting(1, [parallel]).prompts(corpus)
    assert caught.value.found == "2 contexts or questions in common"
    numbered = Corpus((Paragraph("n", (Question("0", "q", (Answer("n", 0),)),)),), "numbered", "en")
    asked = Corpus((Paragraph("m", (Question("0", "q", (Answer("m", 0),)),)),), "asked", "en")
    assert Prompting(1, [numbered]).prompts(asked)
    with pytest.raises(PolyspanError, match="there are not 4 examples in other"):
        Prompting(4, [other()]).prompts(corpus)


@pytest.mark.parametrize(("shots", "examples"), [(1, []), (0, [other()]), (-1, [])])
def test_examples_need_a_number_and_data(shots, examples):
    with pytest.raises(UsageError):
        Prompting(shots, examples)


def test_templates_of_one_s_own(corpus, tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text("en: {task: LlmReply tersely.}\nsw: {ask: 'Swali {question} {context}'}\n", "utf-8")
    prompting = Prompting(templates=file)
    text = prompting.prompts(corpus)["0-0"][0]["content"]
    assert text.startswith("LlmReply tersely.\n\nText: ")
    text = prompting.prompts(replace(corpus, language="sw"))["0-0"][0]["content"]
    assert text == "LlmReply tersely.\n\nSwali who won The cup was won by leeds in 1920."
    assert template_for(templates(), "sw").language == "en"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("en: {ask: 'only {question}'}", "a template's ask cannot be so"),
        ("en: {none: nothing}", "a template's none cannot be so"),
        ("en: {task: 3}", "a template's task cannot be so"),
        ("en: {tusk: x}", "unknown part 'tusk'"),
        ("en: x", "a template has parts"),
        ("- en", "templates are by language"),
        ("en: {", "this is not YAML"),
        ("klingonese: {task: x}", "klingonese"),
    ],
)
def test_templates_that_are_none(tmp_path, text, message):
    file = tmp_path / "t.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(PolyspanError) as caught:
        templates(file)
    assert message in str(caught.value)


def test_no_file_of_templates(tmp_path):
    with pytest.raises(PolyspanError, match="cannot read"):
        templates(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("leeds", "leeds"),
        ("\n  leeds \nBecause it won.", "leeds"),
        ('"leeds"', "leeds"),
        ("「東京」", "東京"),
        ("“‘leeds’”", "leeds"),
        ("'", "'"),
        ("<think>\nit may be hull\n</think>\n\nleeds", "leeds"),
        ("<think> it may be hu", ""),
        ("", ""),
    ],
)
def test_the_answer_in_a_reply(text, answer):
    assert said(text) == answer


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("llm:http://h:1/v1#m", Endpoint("http://h:1/v1/chat/completions", "m")),
        ("llm:https://h/v1/#org/m:free", Endpoint("https://h/v1/chat/completions", "org/m:free")),
        ("llm:https://h/chat/completions#m", Endpoint("https://h/chat/completions", "m")),
        ("llm:folder/model", None),
        ("llm:owner/name@main", None),
    ],
)
def test_names_of_endpoints(name, endpoint):
    assert endpoint_of(name) == endpoint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("llm:http://h/v1", "does not say which model"),
        ("llm:http://h/v1#", "does not say which model"),
        ("llm:ftp://h/v1#m", "no address of a language model"),
        ("llm:http://#m", "no address of a language model"),
        ("llm:http://me:sk-secret@h/v1#m", "a key in an address"),
        ("llm:", "no language model is named"),
        ("llm:none.gguf", "there is no such file"),
        ("llm:./none", "no model at ./none"),
        ("bundled:reader", "is no language model"),
    ],
)
def test_names_that_are_none(name, message):
    with pytest.raises(PolyspanError, match=message) as caught:
        LanguageModel.load(name)
    assert "sk-secret" not in str(caught.value)


def test_what_stands_behind_a_name(tmp_path, monkeypatch):
    assert (fixed_name("llm:http://h/v1#m"), content_of("llm:http://h/v1#m")) == ("llm:http://h/v1#m", {})
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF")
    assert content_of(f"llm:{file}").keys() == {"m.gguf"}
    for name in ("config.json", "chat_template.jinja", "notes.md"):
        (tmp_path / name).write_text("{}", "utf-8")
    assert content_of(f"llm:{tmp_path}").keys() == {"config.json", "chat_template.jinja"}
    monkeypatch.chdir(tmp_path.parent)
    assert fixed_name(f"llm:./{tmp_path.name}") == f"llm:{tmp_path}"


class Parrot:
    """A model on hand that says what it is told to."""

    identity, retried = "parrot", 0

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def replies(self, prompts):
        yield from ((at, LlmReply(text, 2, 1, cut=text == "cut")) for at, text in enumerate(self.texts))


def test_no_answer_is_no_answer_where_it_was_asked_for(corpus):
    parrot = Parrot("Unanswerable.", "1920", "unanswerable", "cut", "「東京」")
    found = predict_llm(LanguageModel("llm:parrot", parrot), corpus, Prompting(no_answer=True))
    assert found.texts == {"0-0": "", "0-1": "1920", "1-0": "", "1-1": "", "2-0": "東京"}
    assert found.said["0-0"] == ""
    counts = {"unanswered": 2, "not_found": 1, "cut_short": 1, "prompt_tokens": 10, "reply_tokens": 5}
    assert found.facts.items() >= counts.items()
    found = predict_llm(LanguageModel("llm:parrot", parrot), corpus)
    assert found.said["0-0"] == "Unanswerable."


def test_a_near_answer_is_found_and_another_one_is_not(corpus):
    parrot = Parrot("Leeds", "1931", "huul", "1931 ", "東京都")
    found = predict_llm(LanguageModel("llm:parrot", parrot), corpus)
    assert found.texts == {"0-0": "leeds", "0-1": "", "1-0": "", "1-1": "1931", "2-0": ""}
    found = predict_llm(LanguageModel("llm:parrot", parrot), corpus, recover="paper_min", again=True)
    assert found.texts["0-1"] == "1920"
    with pytest.raises(UsageError, match="unknown recovery policy"):
        predict_llm(LanguageModel("llm:parrot", parrot), corpus, recover="exact")
