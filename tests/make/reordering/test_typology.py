import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.errors import PolyspanError, UsageError
from polyspan.make.reordering.conllu import Sentence, Token, read_conllu
from polyspan.make.reordering.typology import CHOICES, ORDERS, copula_moves, linearise


def sentence(*rows: str) -> Sentence:
    """A sentence from `FORM XPOS HEAD RELATION`, heads counted from 1, words with one space between."""
    tokens, at = [], 0
    for row in rows:
        form, tag, head, relation = row.split()
        tokens.append(Token(form, "", tag, int(head) - 1, relation, at, at + len(form)))
        at += len(form) + 1
    return Sentence(" ".join(token.form for token in tokens), tuple(tokens))


def words(tree: Sentence, order: str, seed: str | int = 0, rule: str = "mended") -> str:
    return " ".join(tree.tokens[place].form for place in linearise(tree, order, seed, rule))


README = sentence(
    "they PRP 2 nsubj",
    "say VBP 0 root",
    "the DT 4 det",
    "broker NN 5 nsubj",
    "took VBD 2 ccomp",
    "them PRP 5 obj",
    "out RP 5 compound:prt",
    "for IN 9 case",
    "lunch NN 5 obl",
    "frequently RB 5 advmod",
)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("none", "they say the broker took them out for lunch frequently"),
        ("svo", "they say the broker took out frequently them for lunch"),
        ("sov", "they the broker them took out frequently for lunch say"),
        ("vso", "say they took out frequently the broker them for lunch"),
        ("vos", "say took out frequently them the broker for lunch they"),
        ("osv", "them the broker took out frequently for lunch they say"),
        ("ovs", "them took out frequently the broker for lunch say they"),
    ],
)
def test_the_sentence_of_the_original_readme(order, expected):
    assert words(README, order) == expected


def test_conjuncts_are_verbs_of_their_own():
    tree = sentence(
        "John NNP 2 nsubj",
        "ate VBD 0 root",
        "apples NNS 2 obj",
        "and CC 5 cc",
        "drank VBD 2 conj",
        "water NN 5 obj",
    )
    assert words(tree, "sov") == "John apples ate and water drank"


def test_a_subject_goes_below_its_copula_but_not_below_be_or_am():
    rows = ["She PRP 4 nsubj", "now RB 4 advmod", "{} {} 4 cop", "happy JJ 0 root"]
    for form, moved in (("is", True), ("Was", True), ("’s", True), ("'m", False), ("be", False)):
        tree = sentence(*(row.format(form, "VBZ") for row in rows))
        assert copula_moves(tree) == ({0: 2} if moved else {})
        assert words(tree, "vso") == (f"now {form} She happy" if moved else f"She now {form} happy")


OKAY = sentence(
    "Is VBZ 3 cop", "this DT 3 nsubj", "okay JJ 0 root", "with IN 5 case", "you PRP 3 obl", "? . 3 punct"
)
GLAD = sentence(
    "She PRP 3 nsubj",
    "is VBZ 3 cop",
    "glad JJ 0 root",
    "he PRP 6 nsubj",
    "was VBD 6 cop",
    "there RB 3 ccomp",
)
STOPS = sentence("He PRP 2 nsubj", "ran VBD 0 root", ". . 2 punct", "fast JJ 2 dep", ". . 2 punct")


@pytest.mark.parametrize(
    ("tree", "mended", "theirs"),
    [
        (OKAY, "this Is okay with you ?", "Is this okay with you ?"),
        (GLAD, "She is glad he was there", "She is glad he was there"),
        (STOPS, "He ran fast . .", "He ran fast ."),
    ],
)
def test_where_the_rules_differ(tree, mended, theirs):
    assert words(tree, "sov") == mended
    assert words(tree, "sov", rule="ravfogel2019") == theirs


def test_their_walk_skips_the_clause_behind_a_subject_that_moved():
    assert copula_moves(GLAD) == {0: 1, 3: 4}
    assert copula_moves(GLAD, "ravfogel2019") == {0: 1}
    assert words(GLAD, "vso") == "is She glad was he there"
    assert words(GLAD, "vso", rule="ravfogel2019") == "is She glad he was there"
    two = sentence("what WDT 4 nsubj", "he PRP 4 nsubj", "is VBZ 4 cop", "glad JJ 0 root")
    assert copula_moves(two) == {0: 2, 1: 2}
    assert copula_moves(two, "ravfogel2019") == {0: 2}


def test_a_typographic_apostrophe_is_theirs_no_copula():
    tree = sentence("That DT 3 nsubj", "’s VBZ 3 cop", "fine JJ 0 root")
    assert words(tree, "vso") == "’s That fine"
    assert words(tree, "vso", rule="ravfogel2019") == "That ’s fine"


def test_relative_and_interrogative_words_keep_their_side():
    tree = sentence("who WP 2 nsubj", "saw VBD 0 root", "what WP 2 obj", "he PRP 5 nsubj", "ate VBD 2 ccomp")
    assert words(tree, "ovs") == "who ate he saw what"


def test_to_is_part_of_the_verb_and_other_marks_are_not():
    tree = sentence(
        "want VBP 0 root", "To TO 3 mark", "eat VB 1 xcomp", "rice NN 3 obj", "if IN 6 mark", "hot VBN 3 advcl"
    )
    assert words(tree, "sov") == "rice To eat if hot want"


def test_every_full_stop_below_a_verb_is_kept():
    tree = sentence("He PRP 2 nsubj", "ran VBD 0 root", ". . 2 punct", ". . 2 punct", "fast JJ 2 dep")
    assert words(tree, "vso") == "ran He fast . ."


def test_verbs_by_universal_part_of_speech_where_the_tags_are_no_penn_tags():
    rows = [("Elle", "PRON", "nsubj", 1), ("a", "AUX", "aux:tense", 2), ("vu", "VERB", "root", -1)]
    rows += [("que", "PRON", "obj", 2), ("Luc", "PROPN", "obj:agent", 2)]
    for tag in ("", "V+x"):
        tokens = tuple(
            Token(form, upos, tag, 2 if head >= 0 else -1, relation, 0, 1, "PronType=Rel" if form == "que" else "")
            for form, upos, relation, head in rows
        )
        assert words(Sentence("", tokens), "osv") == "Luc Elle a vu que"


def test_random_draws_one_order_of_the_six_for_the_sentence():
    drawn = {words(README, "random", f"{seed}/0") for seed in range(60)}
    assert drawn == {words(README, order) for order in ORDERS}
    assert linearise(README, "random", "7/1") == linearise(README, "random", "7/1")


def test_unknown_orders_and_heads_that_make_no_tree():
    with pytest.raises(UsageError, match="unknown order 'svoo'"):
        linearise(README, "svoo")
    with pytest.raises(UsageError, match="unknown rule 'original'"):
        linearise(README, "svo", rule="original")
    with pytest.raises(PolyspanError, match="no tree"):
        linearise(sentence("a DT 2 det", "b NN 1 dep"), "sov")


def test_a_very_deep_tree():
    tokens = tuple(Token("x", "VERB", "VB", place - 1, "ccomp", 0, 1) for place in range(20_000))
    assert linearise(Sentence("", tokens), "sov") == list(range(20_000))[::-1]


@st.composite
def trees(draw) -> Sentence:
    """Any tree of up to 14 words, projective or not, with one root or more, and labels that matter."""
    size = draw(st.integers(1, 14))
    heads = [-1] + [draw(st.integers(-1, place - 1)) for place in range(1, size)]
    shuffled = draw(st.permutations(range(size)))
    relations = [
        "nsubj",
        "nsubj:pass",
        "obj",
        "ccomp",
        "xcomp",
        "aux",
        "advmod",
        "mark",
        "punct",
        "cop",
        "conj",
        "det",
    ]
    tokens: list[Token | None] = [None] * size
    for place, head in enumerate(heads):
        form = draw(st.sampled_from(["is", "to", ".", "?", "word", "(", ",", "’s"]))
        tag = draw(st.sampled_from(["VBZ", "VB", "NN", "WP", ".", "MD"]))
        relation = draw(st.sampled_from(relations))
        tokens[shuffled[place]] = Token(form, "X", tag, shuffled[head] if head >= 0 else -1, relation, 0, 0)
    text, placed = "", []
    for token in tokens:
        assert token is not None
        start = len(text)
        placed.append(
            Token(token.form, "X", token.xpos, token.head, token.relation, start, start + len(token.form))
        )
        text += token.form + draw(st.sampled_from([" ", "", "\u3000", "\n"]))
    return Sentence(text[: placed[-1].end], tuple(placed))


@given(trees(), st.sampled_from(CHOICES), st.integers(0, 5))
def test_every_word_is_there_once(tree, order, seed):
    assert sorted(linearise(tree, order, seed)) == list(range(len(tree.tokens)))


class Node:
    """Their tree, told anew: children in lists that change while they are gone through."""

    def __init__(self, place: int, token: Token) -> None:
        self.place, self.token, self.children, self.parent = place, token, [], None

    def fix_copulas(self) -> None:
        if self.token.relation == "cop" and self.parent:
            for sibling in self.parent.children:
                subject = sibling.token.relation in ("nsubj", "nsubj:pass")
                if subject and self.token.form in ("is", "are", "'s", "'re", "was", "were"):
                    sibling.parent = self
                    self.children.append(sibling)
                    self.parent.children.remove(sibling)
        for child in self.children:
            child.fix_copulas()

    def laid_out(self, order: str) -> list[int]:
        children = sorted(self.children, key=lambda child: child.place)
        if order == "none" or not self.token.xpos.startswith("V"):
            nodes = sorted([*children, self], key=lambda node: node.place)
        else:
            cluster = ("aux", "aux:pass", "compound:prt", "expl", "advmod")
            blocks, rest, stop = {"s": [], "o": [], "v": [self]}, [], []
            for child in children:
                relation, core = child.token.relation, child.token.xpos not in ("WDT", "WP")
                if relation in cluster or (relation == "mark" and child.token.form.lower() == "to"):
                    blocks["v"].append(child)
                elif core and relation in ("nsubj", "nsubj:pass", "csubj"):
                    blocks["s"].append(child)
                elif core and relation in ("obj", "ccomp", "xcomp"):
                    blocks["o"].append(child)
                elif child.token.form == ".":
                    stop = [child]
                else:
                    rest.append(child)
            blocks["v"].sort(key=lambda node: node.place)
            front = [child for child in rest if child.place < self.place]
            back = [child for child in rest if child.place > self.place]
            nodes = [*front, *(node for block in order for node in blocks[block]), *back, *stop]
        return [place for node in nodes for place in ([self.place] if node is self else node.laid_out(order))]


@given(trees(), st.sampled_from((*ORDERS, "none")))
def test_the_rule_of_ravfogel_is_their_code_told_anew(tree, order):
    nodes = [Node(place, token) for place, token in enumerate(tree.tokens)]
    for node in nodes:
        if node.token.head >= 0:
            node.parent = nodes[node.token.head]
            node.parent.children.append(node)
    roots = [node for node in nodes if node.parent is None]
    for root in roots:
        root.fix_copulas()
    expected = [place for root in roots for place in root.laid_out(order)]
    assert linearise(tree, order, rule="ravfogel2019") == expected
    assert set(expected) <= set(linearise(tree, order))


EWT = {  # METHODS: percentages of sentences and of positions changed, no token lost
    "none": (2.2, 1.4),
    "svo": (23.7, 12.8),
    "sov": (51.6, 42.4),
    "vos": (58.8, 44.8),
    "vso": (58.8, 30.6),
    "osv": (51.5, 45.5),
    "ovs": (65.0, 52.7),
}


@pytest.mark.realdata
def test_the_statistics_of_the_english_web_treebank(data):
    sentences = read_conllu(data / "ud_english_ewt" / "en_ewt-ud-dev.conllu")
    assert sum(len(copula_moves(each)) for each in sentences) == 437
    assert sum(len(copula_moves(each, "ravfogel2019")) for each in sentences) == 425
    total = sum(len(each.tokens) for each in sentences)
    for order, expected in EWT.items():
        changed = moved = 0
        for each in sentences:
            result = linearise(each, order)
            assert sorted(result) == list(range(len(result)))
            different = sum(was != now for now, was in enumerate(result))
            changed, moved = changed + (different > 0), moved + different
        assert (round(100 * changed / len(sentences), 1), round(100 * moved / total, 1)) == expected
        theirs = sum(len(linearise(each, order, rule="ravfogel2019")) for each in sentences)
        assert total - theirs == (0 if order == "none" else 2)  # the full stops that their code loses
