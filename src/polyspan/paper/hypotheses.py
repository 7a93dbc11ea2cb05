"""The paper's hypotheses H1 to H18, each a predicate over a table of results.

A predicate is a function from a `Look` to checks: inequalities between numbers of the table, written as such.
Where the paper's wording has no number ("break", "slightly", "little"), the threshold is ours and stands here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from polyspan.paper.draws import Look, draw
from polyspan.paper.places import unprinted
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
OVERLAP = 0.75
"""How often a linear probe may tell two languages apart that are called overlapping (H12); 0.5 is chance."""
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
    """On Chinese and on Korean: EM/F1 of zero-shot against the reader of that language with the nearest F1."""
    f1, em = look.measured_in("f1"), look.measured_in("exact_match")
    found, now = [], ""
    for test in ("Zh", "Kr"):
        zero = ("table1", "f") if test == "Zh" and f1("table1", "f", test).draws is not None else ("table2", "En")
        trained = re.compile(rf"b|e|{test}(-\d+)?").fullmatch
        own = [(table, row) for table in ("table1", "table2") for row in look.rows(table, trained)]
        own = [one for one in own if all(f1(*each, test).estimate != 0 for each in (zero, one))]  # EM of no F1
        aparts = [combine("F1 apart", _distance, [f1(*zero, test), f1(*one, test)]) for one in own]
        known = [(apart.estimate, at) for at, apart in enumerate(aparts) if apart.estimate is not None]
        distance, nearest = min(known, default=(np.inf, -1))
        if distance <= SIMILAR:
            zero_shot, reader = (
                (em(*one, test) / f1(*one, test)).named(f"EM/F1 of {_called(*one)}", 3)
                for one in (zero, own[nearest])
            )
            found.append(zero_shot < reader)
        elif known and not now:
            now = f" (now {aparts[nearest]})"
    return found or [Check("", None, None, None, (f"table1 f and b with F1 within {SIMILAR:g} points{now}",))]


def _distance(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.abs(one - other))


def _called(table: str, row: str) -> str:
    return "zero-shot" if (table, row) == ("table2", "En") else _TABLE1.get(row, f"trained on {row}")


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


def _chinese_moves_along(look: Look) -> list[Check]:
    """Had fine-tuning moved English states and left the Chinese ones, the two would be less alike than before."""
    need = "the likeness of English and Chinese answers before and after: a probe cka with `before: true`"
    before, after = (look.likeness("figure1", f"CKA {state}", need) for state in ("before", "after"))
    plane = look.likeness("figure1", "told apart in the plane", "figure1")
    return [after > before, aside(plane < constant(OVERLAP).named("", 2))]


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
            changes.append(combine("change", _distance, [moved, natural]))
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
    """Natural English above English by way of a pivot, whichever the table has: what translation costs with the
    corpus held fixed. That above translated DRCD: what the corpus is worth with both translated. Where a pivot was
    run and DRCD was not, the first is judged alone."""
    natural, drcd = look("table2", "En", "En"), look("table2", "Zh-En", "En")
    backs = [
        look("table2", row, "En")
        for row in look.rows("table2", lambda row: unprinted("table2", row)) or ["En-Zh-En"]
    ]
    run = any(back.estimate is not None for back in backs)
    corpus = [back > drcd for back in backs]
    return [
        *(back < natural for back in backs),
        *(map(aside, corpus) if run and drcd.estimate is None else corpus),
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
    Hypothesis(
        "H12",
        "English fine-tuning moves Chinese states along",
        _chinese_moves_along,
        note="The paper has a picture. Here: English and Chinese answers are no less alike (CKA) for it.",
    ),
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
    Hypothesis(
        "H18",
        "back-translation separates corpus from translation",
        _back_translation,
        note="What translation alone costs, and what the corpus is worth; without Zh-En the former only.",
    ),
)
