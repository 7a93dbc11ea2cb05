"""The sentence that is shown around an answer."""

import pytest

from polyspan.ask.sentence import WIDEST, sentence_around


def shown(text, answer):
    start = text.index(answer)
    found = sentence_around(text, start, start + len(answer))
    return found.text, found.text[found.start : found.end]


@pytest.mark.parametrize(
    ("text", "answer", "sentence"),
    [
        ("One here. Built in 1840 by Dr. Roos. Two.", "1840", "Built in 1840 by Dr. Roos."),
        ("One here. Built in 1840. By Roos. Two.", "1840. By", "Built in 1840. By Roos."),
        ("Title\n\nBuilt in 1840.\n\nEnd", "1840", "Built in 1840."),
        ("It ground rye for a dozen villages until the\nriver was dammed at the border in\n1951. Then it closed.",
         "1951", "It ground rye for a dozen villages until the river was dammed at the border in 1951."),
        ("Things that are needed on a long walk:\n- a tank of 2.4 litres\n- a pump", "2.4",
         "- a tank of 2.4 litres"),
        ("這座磨坊建於一八四〇年。後來是博物館。", "一八四〇年", "這座磨坊建於一八四〇年。"),
        ("這座磨坊建於一八四〇年,當時的主人是本特羅斯女士,她的\n丈夫已經去世。", "丈夫",
         "這座磨坊建於一八四〇年,當時的主人是本特羅斯女士,她的丈夫已經去世。"),
        ("بنيت الطاحونة عام ١٨٤٠؟ نعم.", "١٨٤٠", "بنيت الطاحونة عام ١٨٤٠؟"),
        ("a\tb\n\fc", "c", "c"),
    ],
)  # fmt: skip
def test_the_sentence_is_whole_and_on_one_line(text, answer, sentence):
    found, inside = shown(text, answer)
    assert found == sentence
    assert inside == " ".join(answer.split())


def test_a_long_sentence_is_shown_around_the_answer():
    for word in ("word ", "字"):
        text = word * 500 + "1840 " + word * 500
        found, inside = shown(text, "1840")
        assert inside == "1840"
        assert len(found) <= WIDEST + 4
        assert found.startswith("…")
        assert found.endswith("…")
