"""The words of a sentence in the order of another language type: subject, verb and object as SOV, VSO and so on.

The algorithm is that of Ravfogel et al. 2019 (their `rnn_typology`), as METHODS §6 tells it, on trees with UD v2's
relations. Differences: several full stops below one verb are all kept (the original loses all but the last).
"""

import random
from bisect import bisect
from functools import cache

from polyspan.errors import PolyspanError, choose
from polyspan.make.conllu import Sentence, Token

ORDERS = ("svo", "sov", "vso", "vos", "osv", "ovs")
CHOICES = (*ORDERS, "random", "none")
"""`random` draws one of the six for each sentence; `none` only puts subjects below copulas."""

_COPULAS = frozenset({"is", "are", "'s", "’s", "'re", "’re", "was", "were"})
_CLUSTER = frozenset({"aux", "aux:pass", "compound:prt", "expl", "advmod"})
_SUBJECTS = frozenset({"nsubj", "nsubj:pass", "csubj"})
_OBJECTS = frozenset({"obj", "ccomp", "xcomp"})
# The subjects of a predicate that is a clause itself stay outside of it; csubjpass is no subject in the original.
_OUTSIDE = frozenset({"nsubj:outer", "csubj:outer", "csubj:pass"})
_PENN = (
    "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP SYM TO UH "
    "VB VBD VBG VBN VBP VBZ WDT WP WP$ WRB ADD AFX GW HYPH NFP XX # $ '' `` , . : -LRB- -RRB-"
)
_UNIVERSAL = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
_PENN_TAGS, _UNIVERSAL_TAGS = frozenset(_PENN.split()), frozenset(_UNIVERSAL.split())


def linearise(sentence: Sentence, order: str, seed: str | int = 0) -> list[int]:
    """The sentence's words in their new order: `result[i]` is the old place of the word that now stands at i.

    `order` is one of `CHOICES`; `random` draws one order for the whole sentence from `seed`. Every word is there
    once. Raises UsageError for another order, PolyspanError where the heads make no tree.
    """
    choose("order", order, CHOICES)
    if order == "random":
        order = random.Random(seed).choice(ORDERS)
    tokens = sentence.tokens
    moves = copula_moves(sentence)
    below: list[list[int]] = [[] for _ in tokens]
    roots: list[int] = []
    for place, token in enumerate(tokens):
        head = moves.get(place, token.head)
        (below[head] if head >= 0 else roots).append(place)
    result: list[int] = []
    waiting = roots[::-1]  # a place ≥ 0 is a subtree yet to be laid out, ~place the word alone
    while waiting:
        place = waiting.pop()
        if place < 0:
            result.append(~place)
        elif not below[place]:
            result.append(place)
        elif order == "none" or not _is_verb(tokens[place]):
            cut = bisect(below[place], place)
            waiting += reversed([*below[place][:cut], ~place, *below[place][cut:]])
        else:
            waiting += reversed(_around_verb(tokens, below[place], place, order))
    if len(result) < len(tokens):
        raise PolyspanError("the heads of a sentence make no tree", where=sentence.where, found=sentence.text)
    return result


def copula_moves(sentence: Sentence) -> dict[int, int]:
    """Subjects that go below a copula: place of the subject → place of the copula.

    In UD the predicate (happy) is the head of both; the copula becomes the subject's verb where it is one of is,
    are, 's, 're, was, were in any case of letters. "be", "been", "am" and "'m" are left, as in the original.
    """
    tokens = sentence.tokens
    moves: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.relation == "cop" and token.head >= 0 and token.form.lower() in _COPULAS:
            for other, sibling in enumerate(tokens):
                if sibling.head == token.head and sibling.relation in ("nsubj", "nsubj:pass"):
                    moves.setdefault(other, place)
    return moves


def _around_verb(tokens: tuple[Token, ...], below: list[int], verb: int, order: str) -> list[int]:
    blocks: dict[str, list[int]] = {"s": [], "o": [], "v": []}
    front: list[int] = []
    back: list[int] = []
    stops: list[int] = []
    for place in below:
        token = tokens[place]
        role = _role(token.relation)
        if role == "v" or (token.relation == "mark" and token.form.lower() == "to"):
            blocks["v"].append(place)
        elif role and not _is_wh(token):
            blocks[role].append(place)
        elif token.form == ".":
            stops.append(place)
        else:
            (front if place < verb else back).append(place)
    cluster = blocks["v"]
    cluster.insert(bisect(cluster, verb), ~verb)
    return [*front, *(place for block in order for place in blocks[block]), *back, *stops]


@cache
def _role(relation: str) -> str:
    # Subtypes of a language (aux:tense, obj:agent) count as what they are a kind of.
    if relation in _OUTSIDE:
        return ""
    for name in (relation, relation.partition(":")[0]):
        for role, relations in (("v", _CLUSTER), ("s", _SUBJECTS), ("o", _OBJECTS)):
            if name in relations:
                return role
    return ""


def _is_verb(token: Token) -> bool:
    # By the Penn tag, as participles and copulas count and modals do not; by UD's part of speech where the
    # treebank has other tags of its own; by the first letter of the tag where it has nothing else.
    if token.xpos in _PENN_TAGS or token.upos not in _UNIVERSAL_TAGS:
        return (token.xpos or token.upos).startswith("V")
    return token.upos == "VERB" or (token.upos == "AUX" and token.relation == "cop")


def _is_wh(token: Token) -> bool:
    if token.xpos in _PENN_TAGS:
        return token.xpos in ("WDT", "WP")
    return token.upos in ("PRON", "DET") and any(kind in token.feats for kind in ("=Rel", "=Int"))
