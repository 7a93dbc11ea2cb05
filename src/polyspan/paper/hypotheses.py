"""The paper's hypotheses H1 to H18, each a predicate over a table of results.

A predicate is a function from a `Look` to checks: inequalities between numbers of the table, written as such.
Where the paper's wording has no number ("break", "slightly", "little"), the threshold is ours and stands here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from polyspan.paper.draws import Look, draw
from polyspan.paper.printed import factors
from polyspan.paper.results import Results
from polyspan.paper.values import Check, Value, aside, combine, constant, highest, lowest
from polyspan.paper.verdict import Verdict, decide
from polyspan.stats.anova import f_ratio
from polyspan.stats.ranks import spearman
from polyspan.stats.resampling import Floats
from polyspan.stats.units import MEASURES

RATIO = "exact_match / f1"

SLIGHT = 3.0
"""Points up to which a change is called slight, or an influence little."""
SIMILAR = 3.0
"""Points of F1 up to which two models are called similar (H2)."""
FEWEST_POINTS = 5
"""Pairs of corpora from which on a rank correlation is worth the name (H13)."""

TESTS = ("En", "Zh", "Kr")
ORDERS = ("SOV", "VOS", "VSO", "OSV", "OVS")
MIXES = ("Chinese", "French", "Japanese", "Korean")
ALIGNED = ("MUSE", "DeMa", "Vecmap", "GAN-layer-8", "GAN-layer-11")

_TABLE1 = {"b": "QANet", "c": "English-BERT", "e": "trained on Zh", "f": "zero-shot", "g": "trained on En + Zh"}

Predicate = Callable[[Look], list[Check]]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One of H1 to H18: its name, what it says, the predicate, and the measures it is judged in."""

    name: str
    text: str
    checks: Predicate
    measures: tuple[str, ...] = MEASURES
    note: str = ""


def judge(results: Results, draws: int = 1000, seed: int = 42) -> list[Verdict]:
    """Every hypothesis on a table of results, in each of its measures.

    `draws` of questions and seeds say how sure each verdict is, where the cells carry several seeds or scores by
    question. With three seeds, drawing them is coarse: read shares near 0 and 1 only.
    """
    drawn = draw(results, draws, seed)
    return [
        decide(one.name, one.text, measure, one.checks(Look(results, drawn, measure)), one.note)
        for one in HYPOTHESES
        for measure in one.measures
    ]


def _table1(look: Look, row: str) -> Value:
    return look("table1", row, "Zh").named(_TABLE1[row])


def _zero_shot_is_competitive(look: Look) -> list[Check]:
    return [_table1(look, "f") > _table1(look, "b")]


def _boundaries_are_missed(look: Look) -> list[Check]:
    f1, em = look.measured_in("f1"), look.measured_in("exact_match")
    f, b = ((_table1(em, row) / _table1(f1, row)).named(f"EM/F1 of {_TABLE1[row]}", 3) for row in ("f", "b"))
    apart = combine("F1 apart", lambda one, other: np.abs(one - other), [_table1(f1, "f"), _table1(f1, "b")])
    if apart.estimate is not None and apart.estimate > SIMILAR:
        return [Check("", None, None, None, (f"table1 f and b with F1 within {SIMILAR:g} points (now {apart})",))]
    return [f < b]


def _beats_english_bert(look: Look) -> list[Check]:
    return [_table1(look, "f") > _table1(look, "c")]


def _own_language_is_best(look: Look) -> list[Check]:
    others = [(test, train) for test in TESTS for train in TESTS if train != test]
    found = [look("table2", test, test) > look("table2", train, test) for test, train in others]
    return [*found, aside(_table1(look, "g") > _table1(look, "e"))]


def _chinese_and_korean(look: Look) -> list[Check]:
    return [
        look("table2", "Kr", "Zh") > look("table2", "En", "Zh"),
        look("table2", "Zh", "Kr") > look("table2", "En", "Kr"),
        aside(look("table2", "Kr", "En") > look("table2", "Zh", "En")),
    ]


def _translation_hurts(look: Look) -> list[Check]:
    return [
        look("table2", f"{source}-{to}", test) < look("table2", source, test)
        for test in ("En", "Zh")
        for source, other in (("En", "Zh"), ("Zh", "En"))
        for to in (other, "Fr", "Jp", "Kr")
    ]


def _asian_english_helps_korean(look: Look) -> list[Check]:
    return [look("table2", f"En-{to}", "Kr") > look("table2", "En", "Kr") for to in ("Zh", "Jp", "Kr")]


def _squad_beats_drcd(look: Look) -> list[Check]:
    """The one exception is the paper's own, and so part of the hypothesis."""
    found = []
    for to in ("Fr", "Jp", "Kr"):
        for test in TESTS:
            english, chinese = look("table2", f"En-{to}", test), look("table2", f"Zh-{to}", test)
            found.append(english < chinese if (to, test) == ("Fr", "Kr") else english > chinese)
    return found


def _natural_beats_translated(look: Look) -> list[Check]:
    return [
        look("table2", test, test) > look("table2", f"{source}-{test}", test)
        for source, test in (("Zh", "En"), ("En", "Zh"), ("En", "Kr"), ("Zh", "Kr"))
    ]


def _corpus_matters_most(look: Look) -> list[Check]:
    corpus, size, matched = (_factor(look, name) for name in ("corpus", "size", "translated"))
    return [corpus > matched, aside(corpus > size), aside(size > matched)]


def _factor(look: Look, name: str) -> Value:
    levels = factors()[name]
    cells, labels = [], []
    for train, level in levels.items():
        for test in TESTS:
            cells.append(look("table2", train, test))
            labels.append(level if isinstance(level, str) else level.get(test, level.get("else", "")))

    def ratio(*scores: Floats) -> Floats:
        return f_ratio(np.stack(scores, axis=-1), labels)

    return combine(f"F of {name}", ratio, cells, digits=3)


def _permuted_languages_break(look: Look) -> list[Check]:
    natural = look("table3", "Chinese", "Chinese")
    english = look("table3", "English", "English-permuted")
    chinese = look("table3", "English", "Chinese-permuted")
    return [
        english < look("table2", "En", "En") / 2,
        chinese < look("table2", "En", "Zh") / 2,
        look("table3", "Chinese", "Chinese-permuted") < natural / 2,
        aside(chinese > english),
    ]


def _only_a_picture(look: Look) -> list[Check]:
    return [Check("", None, None, None, ("hidden states: see polyspan probe pca",))]


def _similarity_relates(look: Look) -> list[Check]:
    found = []
    for figure, what in (("figure2", "cosine"), ("figure3", "SVCCA")):
        points = look.points(figure)
        if len(points) < FEWEST_POINTS:
            found.append(
                Check("", None, None, None, (f"{figure} with {FEWEST_POINTS} pairs at least (now {len(points)})",))
            )
            continue
        similar = np.array([similarity for similarity, _ in points])

        def rho(*scores: Floats, similar: Floats = similar) -> Floats:
            return spearman(similar, np.stack(scores, axis=-1))

        found.append(combine(f"Spearman's ρ with {what}", rho, [score for _, score in points], 2) > constant(0))
    return found


def _code_switching_lowers(look: Look) -> list[Check]:
    return [look("table4", "En", mix) < look("table4", "En", "None") for mix in MIXES]


def _sov_and_osv(look: Look) -> list[Check]:
    found, changes = [], []
    for test in ("Kr", "En", "Zh"):
        natural = look("table6", "En", test)
        for order in ("SOV", "OSV"):
            moved = look("table6", f"En-{order}", test)
            found.append(moved > natural if test == "Kr" else moved < natural)
            changes.append(combine("change", lambda one, other: np.abs(one - other), [moved, natural]))
    return [*found, highest("largest change", changes) < _at_most(SLIGHT)]


def _order_matters_little(look: Look) -> list[Check]:
    return [
        (look("table6", "En", test) - look("table6", f"En-{order}", test)).named(f"loss by {order} on {test}")
        < _at_most(SLIGHT)
        for order in ORDERS
        for test in TESTS
    ]


def _at_most(points: float) -> Value:
    return constant(points + 1e-6)  # a loss of just as many points is still slight


def _alignment_does_not_help(look: Look) -> list[Check]:
    base = _table1(look, "f")
    aligned = [look("table7", name, "Zh").named(name) for name in ALIGNED]
    return [*(each < base for each in aligned), lowest("worst", aligned) < base / 2]


def _back_translation(look: Look) -> list[Check]:
    back = look("table2", "En-Zh-En", "En")
    return [
        back < look("table2", "En", "En"),
        back > look("table2", "Zh-En", "En"),
        aside(look("table2", "Zh-En-Zh", "Zh") < look("table2", "Zh", "Zh")),
    ]


HYPOTHESES: Sequence[Hypothesis] = (
    Hypothesis("H1", "zero-shot from English reaches QANet trained on Chinese", _zero_shot_is_competitive),
    Hypothesis("H2", "zero-shot finds the region, not its bounds (EM/F1)", _boundaries_are_missed, (RATIO,)),
    Hypothesis("H3", "zero-shot beats English BERT with Chinese vectors", _beats_english_bert),
    Hypothesis("H4", "training in the test's own language is best", _own_language_is_best),
    Hypothesis("H5", "Chinese and Korean transfer best to each other", _chinese_and_korean),
    Hypothesis("H6", "translated training data are worse than the source", _translation_hurts),
    Hypothesis("H7", "English put into Zh, Jp or Kr helps on Korean", _asian_english_helps_korean),
    Hypothesis("H8", "En-XX beats Zh-XX, but Fr on Korean", _squad_beats_drcd),
    Hypothesis("H9", "natural data beat data translated into the language", _natural_beats_translated),
    Hypothesis("H10", "the corpus matters more than the match of language", _corpus_matters_most),
    Hypothesis("H11", "made-up languages break the model", _permuted_languages_break),
    Hypothesis("H12", "English fine-tuning moves Chinese states along", _only_a_picture),
    Hypothesis("H13", "similarity of states goes with the scores", _similarity_relates),
    Hypothesis(
        "H14",
        "code-switching lowers scores in every language",
        _code_switching_lowers,
        note="No table says whether answers stay right in meaning: map them back and score again.",
    ),
    Hypothesis("H15", "SOV and OSV help Korean, harm En and Zh, slightly", _sov_and_osv),
    Hypothesis("H16", f"word order matters little (at most {SLIGHT:g} points)", _order_matters_little),
    Hypothesis("H17", "no alignment helps, and some is devastating", _alignment_does_not_help),
    Hypothesis("H18", "back-translation separates corpus from translation", _back_translation),
)
