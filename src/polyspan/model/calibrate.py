"""A Reader calibrated on development data: how sure it is, and when it answers nothing."""

from collections.abc import Sequence
from pathlib import Path

from polyspan.data.languages import primary
from polyspan.data.schema import Corpus, require_corpora
from polyspan.errors import PolyspanError, UsageError, shorten
from polyspan.files import Source, require_writable
from polyspan.model.calibration import CALIBRATION_FILE, Calibration, FittedOn, LanguageFit
from polyspan.model.card.readme import redraw
from polyspan.model.encoders.model_name import model_folder
from polyspan.model.evidence import evidence
from polyspan.model.reader import Reader
from polyspan.stats.calibration import AnswersGiven, Fitted, Goal, answers_ece, fit
from polyspan.stats.judged import Judged, judge, worth

_DECIMALS = 6


def calibrate(
    reader: "Reader | Source",
    corpora: Sequence[Corpus],
    *,
    accuracy: float | None = None,
    coverage: float | None = None,
    pooled: bool = False,
) -> Calibration:
    """Fit a Reader's probabilities and threshold on development data, for each language and for all.

    The threshold is for the best F1, or for the `accuracy` that answers are to hold, or the `coverage` of
    questions that are to be answered (shares). `pooled` lets all languages have what was fitted on all together;
    a language without data of its own has it in any case. A Reader's folder is given the file `calibration.json`;
    a Reader in memory is calibrated itself, and `save` writes it. Raises PolyspanError for a Reader that was never
    trained, a model that has no folder here, data without a language, data that the metric cannot judge or that
    are all unanswerable, and an accuracy that no threshold holds.
    """
    goal = _goal(accuracy, coverage)
    by_language = _by_language(corpora, pooled)
    folder = None if isinstance(reader, Reader) else _folder(reader)
    answering = reader if isinstance(reader, Reader) else Reader.load(reader, calibrated=False)
    if answering.fresh_head:
        name = "the Reader" if folder is None else str(folder)
        raise PolyspanError(
            f"{name} was never trained to answer", found="a span head drawn at random", fix="polyspan train"
        )
    judged = {
        code: [judge(corpus, evidence(answering, corpus)) for corpus in some] for code, some in by_language.items()
    }
    found = _fitted(by_language, judged, goal, pooled)
    if folder is not None:
        found.save(folder)
        redraw(folder)
    answering.calibration = found
    return found


def _goal(accuracy: float | None, coverage: float | None) -> Goal:
    if accuracy is not None and coverage is not None:
        raise UsageError("an accuracy and a coverage exclude each other", fix="give one of them")
    if accuracy is not None:
        return Goal("accuracy", accuracy)
    return Goal() if coverage is None else Goal("coverage", coverage)


def _by_language(corpora: Sequence[Corpus], pooled: bool) -> dict[str, list[Corpus]]:
    """The corpora by their languages' codes. Whatever no Reader is needed to find fault with is found here."""
    require_corpora(corpora, "calibrate")
    if not corpora:
        raise UsageError("calibrating needs at least one corpus")
    found: dict[str, list[Corpus]] = {}
    hopeless: dict[str, bool] = {}  # by fingerprint: whether none of its questions has an answer
    for corpus in corpora:
        where = corpus.source or corpus.name
        if not len(corpus):
            raise PolyspanError(f"{corpus.name} has no questions", where=where)
        if corpus.language is None:
            fix = "say it: --language, or ps.read(FILE, language=…)"
            raise PolyspanError(f"the language of {corpus.name} is not known", where=where, fix=fix)
        if corpus.fingerprint() in hopeless:
            raise UsageError("the same data are given twice", found=corpus.name)
        *_, impossible = worth(corpus, [""] * len(corpus))
        hopeless[corpus.fingerprint()] = bool(impossible.all())
        found.setdefault(primary(corpus.language), []).append(corpus)
    sets = [list(corpora)] if pooled else list(found.values())
    for some in sets:
        if all(hopeless[corpus.fingerprint()] for corpus in some):
            raise PolyspanError(
                "all questions are unanswerable: nothing tells how sure an answer is",
                where=", ".join(corpus.name for corpus in some),
                fix=f"add answerable ones in {some[0].language}",
            )
    return found


def _folder(reader: Source) -> Path:
    """The folder of a Reader that can be given a file."""
    folder = model_folder(str(reader))
    if folder is None or str(reader).startswith("bundled:"):
        raise UsageError(
            f"{shorten(str(reader))} has no folder here to keep a calibration in",
            found="a bundled model, or a name on the hub",
            expected="the folder of a trained Reader",
            fix="train one, or save it to a folder first: ps.Reader.load(NAME).save(FOLDER)",
        )
    require_writable(folder / CALIBRATION_FILE)
    return folder


def _fitted(
    corpora: dict[str, list[Corpus]], judged: dict[str, list[Judged]], goal: Goal, pooled: bool
) -> Calibration:
    fits = {} if pooled else {code: _own(code, some, goal) for code, some in judged.items()}
    together = fit([one for some in judged.values() for one in some], goal)
    fits = fits or dict.fromkeys(judged, together)
    before = {code: [Fitted().answers(one) for one in some] for code, some in judged.items()}
    after = {code: [fits[code].answers(one) for one in some] for code, some in judged.items()}
    languages = {
        code: LanguageFit(
            temperature=fits[code].temperature,
            null_scale=fits[code].null_scale,
            null_bias=fits[code].null_bias,
            threshold=fits[code].threshold,
            n=sum(map(len, some)),
            unanswerable=sum(map(_unanswerable, some)),
            answered=sum(int(one.answered.sum()) for one in after[code]),
            ece_before=_error(before[code]),
            ece_after=_error(after[code]),
        )
        for code, some in judged.items()
    }
    data = tuple(
        FittedOn(corpus.name, corpus.fingerprint(), len(one), _unanswerable(one), str(corpus.language))
        for code, some in judged.items()
        for corpus, one in zip(corpora[code], some, strict=True)
    )
    return Calibration(
        temperature=together.temperature,
        null_scale=together.null_scale,
        null_bias=together.null_bias,
        threshold=together.threshold,
        measure=together.measure,
        goal=str(goal),
        languages=languages,
        data=data,
        ece_before=_error([one for some in before.values() for one in some]),
        ece_after=_error([one for some in after.values() for one in some]),
    )


def _own(code: str, judged: Sequence[Judged], goal: Goal) -> Fitted:
    """What suits a language's data. Raises PolyspanError, naming it, where no threshold holds the accuracy."""
    try:
        return fit(judged, goal)
    except PolyspanError as error:
        error.where = f"language {code}"
        raise


def _unanswerable(judged: Judged) -> int:
    return int(judged.impossible.sum())


def _error(answers: Sequence[AnswersGiven]) -> float:
    return round(answers_ece(answers), _DECIMALS)
