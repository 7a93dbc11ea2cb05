"""The words of a sentence in the order of another language type: subject, verb and object as SOV, VSO and so on.

The algorithm is that of Ravfogel et al. (2019), `rnn_typology`, on trees with UD v2's relations, under one of two
rules (`RULES`). `ravfogel2019` does as their code does. `mended` differs from it in three things:
* a copula is one in any case of letters and with either apostrophe ("Is this okay?", "that’s"); theirs compares
  with the lower-case forms alone;
* every clause with a copula gets its subject below it; theirs takes subjects out of the list that it goes through,
  and so skips what follows: often a second clause, and of two subjects of one copula the second;
* every full stop below a verb is kept; theirs loses all but the last.
"""

import random
from bisect import bisect
from collections.abc import Mapping, Sequence
from functools import cache

from polyspan.errors import PolyspanError, choose
from polyspan.make.reordering.conllu import Sentence, Token

ORDERS = ("svo", "sov", "vso", "vos", "osv", "ovs")
CHOICES = (*ORDERS, "random", "none")
"""`random` draws one of the six for each sentence; `none` only puts subjects below copulas."""

RULES = ("mended", "ravfogel2019")
"""Whose account is followed where they differ: ours, or their code's."""

_THEIR_COPULAS = frozenset({"is", "are", "'s", "'re", "was", "were"})
_COPULAS = _THEIR_COPULAS | {"’s", "’re"}
_MOVED = frozenset({"nsubj", "nsubj:pass"})
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


def linearise(sentence: Sentence, order: str, seed: str | int = 0, rule: str = "mended") -> list[int]:
    """The sentence's words in their new order: `result[i]` is the old place of the word that now stands at i.

    `order` is one of `CHOICES`; `random` draws one order for the whole sentence from `seed`. Every word is there
    once, but for the full stops that `ravfogel2019` loses. Raises UsageError for another order or rule,
    PolyspanError where the heads make no tree.
    """
    choose("order", order, CHOICES)
    if order == "random":
        order = random.Random(seed).choice(ORDERS)
    tokens = sentence.tokens
    moves = copula_moves(sentence, rule)
    roots, below = _children(tokens, moves)
    result: list[int] = []
    lost: list[int] = []
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
            around, stops = _around_verb(tokens, below[place], place, order)
            if rule == "ravfogel2019":
                lost, stops = lost + stops[:-1], stops[-1:]
            waiting += reversed([*around, *stops])
    for place in lost:  # with all that is below
        lost += below[place]
    if len(result) + len(lost) < len(tokens):
        raise PolyspanError("the heads of a sentence make no tree", where=sentence.where, found=sentence.text)
    return result


def _children(tokens: Sequence[Token], moves: Mapping[int, int]) -> tuple[list[int], list[list[int]]]:
    """The roots, and for each word those below it, in their order, after some have moved."""
    below: list[list[int]] = [[] for _ in tokens]
    roots: list[int] = []
    for place, token in enumerate(tokens):
        head = moves.get(place, token.head)
        (below[head] if head >= 0 else roots).append(place)
    return roots, below


def copula_moves(sentence: Sentence, rule: str = "mended") -> dict[int, int]:
    """Subjects that go below a copula: place of the subject → place of the copula.

    In UD the predicate (happy) is the head of both; the copula becomes the subject's verb where it is one of is,
    are, 's, 're, was, were. "be", "been", "am" and "'m" are left. What else the rules do: see the module.
    """
    choose("rule", rule, RULES)
    tokens = sentence.tokens
    if rule == "ravfogel2019":
        return _moves_of_their_walk(tokens)
    moves: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.relation == "cop" and token.head >= 0 and token.form.lower() in _COPULAS:
            for other, sibling in enumerate(tokens):
                if sibling.head == token.head and sibling.relation in _MOVED:
                    moves.setdefault(other, place)
    return moves


def _moves_of_their_walk(tokens: Sequence[Token]) -> dict[int, int]:
    roots, below = _children(tokens, {})
    moves: dict[int, int] = {}
    walks = [iter(roots)]
    while walks:
        place = next(walks[-1], None)
        if place is None:
            walks.pop()
            continue
        token = tokens[place]
        if token.relation == "cop" and token.head >= 0 and token.form in _THEIR_COPULAS:
            siblings = below[token.head]
            # Both this loop and the walk that came here go on in the list that has become shorter: as theirs do.
            for other in siblings:
                if tokens[other].relation in _MOVED:
                    siblings.remove(other)
                    below[place].append(other)
                    moves[other] = place
        walks.append(iter(below[place]))
    return moves


def _around_verb(
    tokens: tuple[Token, ...], below: list[int], verb: int, order: str
) -> tuple[list[int], list[int]]:
    """A verb (as ~place) and what is below it in the order asked for, and the full stops that come after."""
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
    return [*front, *(place for block in order for place in blocks[block]), *back], stops


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
