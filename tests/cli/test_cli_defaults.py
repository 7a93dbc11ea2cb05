"""The command is the function: every default of an option is that of the function behind it."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import typer

from polyspan.cli import main as cli

GROUP = typer.main.get_command(cli.app)
VERBS = {
    f"{name} {inner}".strip(): verb
    for name, command in GROUP.commands.items()
    for inner, verb in getattr(command, "commands", {"": command}).items()
}
FUNCTIONS = {
    "quickstart": "lab.quickstart.quickstart",
    "predict": "model.answers.AnswerOptions prediction.predict model.reader.Reader.load",
    "ask": "ask.asking.ask",
    "score": "stats.standings.standings score.scores.score",
    "export-task": "score.harness.export_task",
    "calibrate": "model.calibrate.calibrate",
    "export": "model.export.exporting.export",
    "check": "reading.check reading.repair",
    "bench": "bench.measurements.bench",
    "data split": "data.split.split",
    "make permute": "make.permutation.permute",
    "make codeswitch": "make.codeswitching.codeswitching.codeswitch",
    "make reorder": "make.reordering.reordering.reorder",
    "make translate": "make.translation.translation.translate",
    "make backtranslate": "make.translation.translation.backtranslate",
    "make apart": "make.separation.apart",
    "make common": "make.intersection.common",
    "make pair": "make.pairing.pair",
    "make sample": "make.sampling.sample",
    "make unanswerable": "make.negatives.unanswerable",
    "make mix": "make.sampling.mix",
    "train": "training.loop.train make.codeswitching.augmenting.augmentation training.adversary.Adversary",
    "adapt": "training.adaptation.adapt",
    "average": "training.averaging.average",
    "vectors": "model.vocabulary.cooccurrence.corpus_vectors",
    "graft": "model.vocabulary.graft.graft",
    "push": "model.push.push data.push.push_corpus",
    "qanet": "model.vocabulary.qanet_words.make_qanet",
    "probe pca": "probe.studies.study_tokens probe.kinds.token_pca.TokenPca",
    "probe cosine": "probe.studies.study_answers",
    "probe svcca": "probe.studies.study_answers probe.kinds.answer_svcca.AnswerSvcca",
    "probe cka": "probe.studies.study_answers",
    "probe scatter": "probe.scatter.study_scatter",
    "stats compare": "stats.comparison.compare",
    "stats anova": "stats.factors.analyse",
    "stats claims": "paper.judge",
    "align fit": "align.layer_vectors.encoder_vectors",
    "align score": "align.layer_vectors.encoder_vectors",
    "run": "lab.run.run",
    "report": "lab.carrying.report_archive",
    "store export": "lab.carrying.export_store",
    "store import": "lab.carrying.import_store",
    "serve": "serve.server.serve serve.limits.Limits",
}
RENAMED = {"weight": "weights", "switch_rate": "rate", "adversarial_weight": "weight"}
PRINTED = ("shown",)  # what is printed besides the result, of which a function knows nothing
ALONE = {
    ("quickstart", "out"): Path("quickstart"),  # the function's is the same as text
    ("ask", "model"): "bundled:reader",  # the function's is called reader: it may be one
    ("score", "cluster"): "question",  # the functions' None: each question is a unit
    ("stats compare", "cluster"): "question",
    ("predict", "n_best"): 20,  # of --nbest, as Reader.answers; without that file one answer is enough
    ("make permute", "model"): "bundled:e5-small",  # the function takes the tokenizer itself
    ("stats claims", "table"): "paper",
    ("store gc", "days"): 30.0,  # a command alone: it removes nothing without --yes
}


def _defaults(paths: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in paths.split():
        module, _, name = path.rpartition(".")
        if module.endswith(".Reader"):
            function = getattr(import_module("polyspan.model.reader").Reader, name)
        else:
            function = getattr(import_module(f"polyspan.{module}"), name)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.default is not inspect.Parameter.empty:
                found.setdefault(parameter.name, parameter.default)
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_every_default_is_the_function_s(verb):
    """Flags and options without a value decide nothing; each other default stands in a function too."""
    known = _defaults(FUNCTIONS.get(verb, ""))
    for option in VERBS[verb].params:
        if option.required or option.default is None or option.default is False or option.name in PRINTED:
            continue
        if (verb, option.name) in ALONE:
            assert option.default == ALONE[verb, option.name], (verb, option.name)
            continue
        name = RENAMED.get(option.name, option.name)
        assert name in known, f"{verb}: which function has --{option.name}?"
        assert option.default == known[name], (verb, option.name)
        assert type(option.default) is type(known[name]), (verb, option.name)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_what_a_function_does_by_itself_the_option_leaves_alone(verb):
    """An option of None must not stand for another value than the function's None, or its default."""
    known = _defaults(FUNCTIONS[verb])
    for option in VERBS[verb].params:
        name = RENAMED.get(option.name, option.name)
        if not option.required and option.default is None and name in known:
            assert known[name] in (None, ()), (verb, option.name, known[name])
