"""What two data sets share: contexts, wording, ids, questions; each told once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import polyspan as ps
from polyspan.data.check.leaks import WINDOW, _stretches
from polyspan.data.schema import Answer, Corpus, Paragraph, Question

TEXT = (
    "The first bridge over the gorge was built of timber in 1797 and burnt down in the dry summer of 1846. "
    "Its successor, a chain bridge, carried carts until the railway came; the towers of it still stand."
)
OTHER = (
    "Salt was won from the marsh by boiling brine over peat, and by 1300 four hundred pans are on record. "
    "When the coal of the north grew cheap the trade went there, and the marsh was drained for cattle."
)
HAN = "第一座橫跨峽谷的橋於1797年以木材建成，並於1846年乾燥的夏季被燒毀。其後的鐵鏈橋一直供馬車通行直到鐵路開通。"


def corpus(
    context: str, text: str = "When did it burn?", answer: str = "", id: str = "bridge-0001", name: str = "a"
):
    answers = (Answer(answer, context.index(answer)),) if answer else ()
    return Corpus((Paragraph(context, (Question(id, text, answers, not answers),)),), "a", "en")


def rules(data, *against):
    return [fault.rule for fault in ps.check(data, against=list(against)).faults]


def test_the_same_context_whatever_its_case_width_and_spaces():
    loud = TEXT.upper().replace(" ", "  ").replace("1797", "１７９７")
    assert rules(corpus(TEXT), corpus(loud, id="other-0001", text="Why?")) == ["leak"]


def test_a_context_that_was_lengthened_or_edited_a_little():
    longer = corpus("A guide says: " + TEXT.replace("gorge", "ravine") + " " + OTHER, id="other-0001", text="Why?")
    report = ps.check(corpus(TEXT), against=longer)
    assert report.counts() == {"leak-passage": 1}
    assert ps.check(longer, against=corpus(TEXT)).counts() == {"leak-passage": 1}
    fault = report.faults[0]
    assert fault.found.startswith("1 questions on")
    assert "shares 7" in fault.found
    assert fault.expected == "less than 20% of the shorter text"
    assert rules(corpus(HAN), corpus(HAN.replace("木材", "石頭"), id="other-0001", text="Why?")) == [
        "leak-passage"
    ]


def test_a_shared_phrase_is_no_leak():
    quoting = OTHER + " " + TEXT[:55]
    assert rules(corpus(TEXT), corpus(quoting, id="other-0001", text="Why?")) == []


def test_phrases_that_the_other_data_have_everywhere_do_not_count():
    many = tuple(
        Paragraph(f"{TEXT[:90]} {number} {OTHER[number:]}", (Question(f"other-{number:04}", "Why?", (), True),))
        for number in range(12)
    )
    assert rules(corpus(TEXT[:90] + OTHER[::-1]), Corpus(many, "many", "en")) == []


def test_translations_share_ids_and_running_numbers_mean_nothing():
    chinese = corpus(HAN, "何時燒毀？", "1846年")
    assert rules(corpus(TEXT, answer="1846"), chinese) == ["leak-id"]
    assert rules(corpus(TEXT, id="17"), corpus(HAN, "何時燒毀？", id="17")) == []


def test_a_question_with_the_same_answer_leaks_and_one_with_another_is_told():
    here = corpus(TEXT, answer="1846")
    there = corpus(OTHER.replace("1300", "1846"), "WHEN did it  burn?", "1846", "other-0001")
    assert rules(here, there) == ["leak-question"]
    report = ps.check(here, against=corpus(OTHER, answer="1300", id="other-0001"))
    assert report.ok
    assert [(one.rule, one.id) for one in report.warnings] == [("question-again", "bridge-0001")]


def test_each_leak_is_told_once_and_of_any_of_several():
    own = corpus(TEXT, answer="1846")
    assert rules(own, corpus(OTHER, "Why?", id="other-0001"), own) == ["leak"]
    assert ps.check(own, against=(own,)).counts() == ps.check(own, against=own).counts() == {"leak": 1}
    assert rules(own) == []


def test_parallel_corpora_and_parts_of_one(run):
    assert ps.check("mini:en/train", against=["mini:en/test", "mini:ko/test"]).ok
    assert ps.check("mini:en/train", against="mini:ko/train").counts() == {"leak-id": 288}
    code, stdout, _ = run("check", "mini:en/train", "--against", "mini:en/test", "--against", "mini:fr/train")
    assert (code, stdout.count("leak-id") > 0) == (1, True)


@given(st.text("abc .", min_size=0, max_size=200))
def test_stretches_are_equal_where_their_bytes_are(text):
    codes = text.encode()
    wanted = {codes[at : at + WINDOW] for at in range(len(codes) - WINDOW + 1)}
    assert len(_stretches(text)) == len(wanted)
    assert set(_stretches(text + text[-1:]).tolist()) >= set(_stretches(text).tolist())


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("train", "test", "counts"),
    [
        ("squad_v1.1/squad_v1.1_dev_part*of2.json", "xquad/xquad.en.json", {"leak": 240}),
        ("squad_v1.1/squad_v1.1_dev_part*of2.json", "xquad/xquad.zh.json", {"leak-id": 1190}),
        ("squad_v1.1/squad_v1.1_train_44articles.json", "squad_v1.1/squad_v1.1_dev_part*of2.json", {}),
        ("drcd/DRCD_test.json", "drcd/DRCD_dev.json", {"leak-passage": 2}),
        ("jaquad/train_0*.json", "jaquad/dev_*.json", {}),
        ("cmrc2018/train-pseudo-cmrc2018.zip", "cmrc2018/cmrc2018_dev.json", {}),
        ("cmrc2018/train-pseudo-cmrc2018.zip", "xquad/xquad.zh.json", {}),
        ("drcd/DRCD_test.json", "xquad/xquad.zh.json", {}),
    ],
)
def test_public_data(data: Path, train: str, test: str, counts: dict[str, int]):
    found = ps.check(str(data / train), against=str(data / test)).counts()
    assert {rule: count for rule, count in found.items() if rule.startswith("leak")} == counts
