"""Licences by their names on the hub, and what one allows that another forbids."""

import pytest

from polyspan.data.cards import cards, sets_in
from polyspan.data.licences import clashes, hub_licence, joint_licence


def test_every_licence_of_the_catalogue_has_a_name_for_the_hub():
    for card in cards().values():
        told = hub_licence(card.licence)
        assert told["license"] != "other" or told["license_name"] == "cc-by-nd-2.0-kr", card.name


@pytest.mark.parametrize(
    ("licences", "joint"),
    [
        (["MIT", "CC0-1.0", "CC BY-SA 4.0"], "cc-by-sa-4.0"),
        (["CC BY-SA 3.0", "CC BY-SA 4.0", "MIT"], "cc-by-sa-4.0"),
        (["CC BY-SA 4.0", "CC BY-NC 4.0"], "cc-by-nc-4.0"),
        (["CC BY-SA 4.0", "CC BY-ND 2.0 KR"], "cc-by-nd-2.0-kr"),
        (["CC0-1.0", "MIT"], "mit"),
        (["MIT", ""], "unknown"),
        ([], "unknown"),
    ],
)
def test_what_is_made_of_several_has_the_licence_that_asks_most(licences, joint):
    assert joint_licence(licences) == joint


def test_a_clash_is_one_sentence():
    assert clashes("cc-by-sa-4.0", {"squad": "CC BY-SA 4.0", "drcd": "CC BY-SA 3.0", "e5": "MIT"}) == ""
    told = clashes("mit", {"squad": "CC BY-SA 4.0", "xquad": "CC BY-SA 4.0", "words": "CC BY-NC 4.0"})
    assert told == (
        "the licence mit is not what the data allow: that of squad, xquad, CC BY-SA 4.0, asks that what is made "
        "of it has its licence; that of words, CC BY-NC 4.0, forbids commercial use"
    )
    assert "forbids to share what is changed" in clashes("cc-by-nd-4.0", {"korquad": "CC BY-ND 2.0 KR"})


@pytest.mark.parametrize(
    ("name", "sets"),
    [
        ("squad:train", ["squad"]),
        ("make:unanswerable(make:apart(drcd:test, against=squad:dev+xquad:en), share=0.2)", ["drcd"]),
        ("make:pair(mini:zh/train, contexts=squad:dev)", ["mini", "squad"]),
        ("hub:rajpurkar/squad/train", []),
        ("my questions", []),
    ],
)
def test_a_corpus_name_tells_which_data_sets_it_rests_on(name, sets):
    assert [card.name for card in sets_in(name)] == sets
