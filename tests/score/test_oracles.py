"""Published data, and the figures that the official rules give on it."""

import time

import pytest
from score_corpora import first_answers, load

from polyspan.data.schema import Corpus
from polyspan.score import METRICS, score

pytestmark = pytest.mark.realdata

# The second annotator's answers as predictions, the first's as gold: exact match and F1 on DRCD dev and test.
SECOND_ANNOTATOR = {
    "squad.v1": (78.121, 78.121, 80.418, 80.418),
    "squad.v2": (78.121, 78.121, 80.418, 80.418),
    "hsu.v1": (78.121, 89.982, 80.418, 90.966),
    "drcd.v1": (79.058, 92.424, 81.220, 93.474),
    "korquad.v1": (79.086, 92.418, 81.220, 93.461),
    "cmrc.v1": (80.335, 91.781, 82.966, 92.902),
    "mlqa.v1": (80.448, 91.986, 83.023, 93.057),
}
# The first answer without its last character, both answers as gold, on DRCD dev.
LAST_CHARACTER_CUT = {
    "squad.v1": (3.377, 3.391),
    "hsu.v1": (3.377, 75.277),
    "drcd.v1": (5.420, 83.999),
    "korquad.v1": (5.448, 84.050),
    "cmrc.v1": (6.044, 81.097),
    "mlqa.v1": (6.385, 81.385),
}


@pytest.fixture(scope="module")
def drcd(data) -> dict[str, Corpus]:
    return {half: load(data / "drcd" / f"DRCD_{half}.json", language="zh-Hant") for half in ("dev", "test")}


@pytest.mark.parametrize("metric", METRICS)
def test_second_annotator(drcd, metric):
    figures = []
    for half, questions in (("dev", 3524), ("test", 3493)):
        predictions = {question.id: question.answers[1].text for _, question in drcd[half].questions()}
        result = score(first_answers(drcd[half]), predictions, metric)
        assert result.n == questions
        figures += [round(result.exact_match, 3), round(result.f1, 3)]
    assert tuple(figures) == SECOND_ANNOTATOR[metric]


@pytest.mark.parametrize("metric", LAST_CHARACTER_CUT)
def test_last_character_cut(drcd, metric):
    predictions = {question.id: question.answers[0].text[:-1] for _, question in drcd["dev"].questions()}
    result = score(drcd["dev"], predictions, metric)
    assert (round(result.exact_match, 3), round(result.f1, 3)) == LAST_CHARACTER_CUT[metric]


@pytest.mark.parametrize("metric", METRICS)
def test_korquad_gold_against_itself(data, metric):
    korquad = load(data / "korquad_v1.0" / "KorQuAD_v1.0_dev.json")
    gold = {question.id: question.answers[0].text for _, question in korquad.questions()}
    result = score(korquad, gold, metric, "zh" if metric == "mlqa.v1" else None)
    assert (result.exact_match, result.f1, result.n, result.missing) == (100, 100, 5774, 0)


def test_squad_dev_is_scored_in_about_a_second(data):
    halves = [data / "squad_v1.1" / f"squad_v1.1_dev_part{half}of2.json" for half in (1, 2)]
    squad = load(*halves)
    predictions = {
        question.id: paragraph.context[question.answers[0].start :][:60]
        for paragraph, question in squad.questions()
    }
    start = time.perf_counter()
    result = score(squad, predictions, "squad.v1")
    assert time.perf_counter() - start < 2
    assert (result.n, result.missing) == (10570, 0)


def test_the_papers_translated_files_score_with_their_empty_answers(data):
    noisy = load(data / "drcd_translated" / "zh-tw_ko_dev.json")
    gold = {question.id: question.answers[0].text for _, question in noisy.questions()}
    assert "" in gold.values()
    result = score(noisy, gold, "korquad.v1")
    assert (result.exact_match, result.n) == (100, 3524)
    assert result.f1 < 100
