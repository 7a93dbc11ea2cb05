"""The commands that make the output of one stage alone, without recipe and store."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from polyspan.lab.outputs import MODEL, READER, VECTORS
from polyspan.lab.stage import Stage, in_order
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.settings import from_options, nearest_preset

_FLAGS = (
    *("learning_rate", "batch_size", "accumulate", "epochs", "warmup", "weight_decay", "dropout", "freeze"),
    *("freeze_layers", "pack", "padding", "average", "precision", "max_length", "stride", "stride_as"),
    *("max_question_length", "long_question", "label", "outside"),
)
"""Settings that `polyspan train` has an option for."""


def commands(stage: Stage) -> list[str]:
    """Lines of shell that make a Reader and all it needs, answer its test and score it, in this order.

    Corpora stand by their names, cut down to the questions that were used; folders are named after the stages.
    Settings that the command line does not have are listed in a comment.
    """
    lines: list[str] = []
    for one in in_order([stage]):
        if one.kind in _WRITERS:
            lines += _WRITERS[one.kind](one)
    return lines


def data_name(corpus: Stage) -> str:
    """A corpus stage as one name that `polyspan` reads: a sample of it where it was cut down."""
    options = corpus.options
    if options.get("limit") is None:
        return str(options["data"])
    return f"make:sample({options['data']}, size={options['limit']}, seed={options.get('seed', 0)})"


def _train(stage: Stage) -> list[str]:
    options = stage.options
    preset, settings = nearest_preset(from_options(options["settings"]))
    words = ["polyspan", "train", *_repeated("--data", _roles(stage, "data"))]
    words += ["--model", _model(stage), "--out", folder(stage), "--preset", preset]
    words += ["--seed", str(options.get("seed", 42))]
    words += _optional("--limit", options.get("limit"))
    words += [word for weight in options.get("weights") or () for word in ("--weight", f"{weight:g}")]
    words += _optional("--checkpoints", options.get("checkpoints"))
    if "map" in stage.needs:
        words += ["--align", _file(stage.needs["map"], ".safetensors")]
    if adversary := options.get("adversary"):
        words += ["--adversarial-layer", str(adversary["layer"])]
        words += _optional("--adversarial-weight", adversary.get("weight"))
        words += _repeated("--adversarial-data", _roles(stage, "adversary"))
    if augment := options.get("augment"):
        words += _repeated("--switch", augment["dictionaries"])
        words += ["--switch-rate", str(augment["rate"])]
    for name, value in settings.items():
        if name in _FLAGS:
            words += _setting(name, value)
    left = {name: value for name, value in settings.items() if name not in _FLAGS}
    told = [f"# from Python alone: {json.dumps(left)}"] if left else []
    return [*told, shlex.join(words)]


def _predict(stage: Stage) -> list[str]:
    answers, test = _file(stage, ".json"), stage.needs["test"]
    model = folder(stage.needs["reader"]) if "reader" in stage.needs else _model(stage, "untrained")
    if number := stage.options.get("checkpoint"):
        model += f"/checkpoints/{number}"
    asked = ["polyspan", "predict", "--model", model, "--data", data_name(test), "--out", answers]
    packing = {None: [], True: ["--pack"], False: ["--no-pack"]}[stage.options.get("pack")]
    return [shlex.join([*asked, *packing, *_language(test)]), _score(test, answers)]


def _score(test: Stage, answers: str) -> str:
    metric = _optional("--metric", test.options.get("metric"))
    return shlex.join(["polyspan", "score", data_name(test), answers, *metric, *_language(test)])


def _map(stage: Stage) -> list[str]:
    options = stage.options
    model = folder(stage.needs["reader"]) if "reader" in stage.needs else _model(stage)
    words = ["polyspan", "align", "fit", "--method", str(options["method"]), "--model", model]
    words += ["--layer", str(options["layer"]), "--source", data_name(stage.needs["source"])]
    words += ["--target", data_name(stage.needs["target"]), "--out", _file(stage, ".safetensors")]
    for name in ("kind", "most", "limit", "seed", "pairs", "dictionary"):
        words += _optional(f"--{name}", options.get(name))
    words += [word for name, value in options.get("options", {}).items() for word in ("--set", f"{name}={value}")]
    usual = asdict(WindowOptions())
    windows = {name: value for name, value in options.get("windows", {}).items() if value != usual[name]}
    told = [f"# from Python alone: windows {json.dumps(windows)}"] if windows else []
    return [*told, shlex.join(words)]


def _encoder(stage: Stage) -> list[str]:
    options = dict(stage.options)
    how = options.pop("how")
    corpora = _repeated("--data", _roles(stage, "data"))
    found = options.pop("vectors", None)
    vectors = _file(stage.needs["vectors"], f"/{VECTORS}") if "vectors" in stage.needs else found
    out = _file(stage, f"/{VECTORS}") if how == "vectors" else f"{folder(stage)}/{MODEL}"
    words = ["polyspan", how, *corpora, "--out", out]
    if how in ("graft", "trim"):
        words.insert(2, _model(stage))
    words += _optional("--vectors", vectors)
    words += [word for language in options.pop("languages", ()) for word in ("--keep-language", language)]
    for name in sorted(set(options) - {"model"}):
        words += _optional(f"--{name}", options[name])
    return [shlex.join(words)]


def folder(stage: Stage) -> str:
    """A folder's name for a stage's output, without what a shell would take otherwise."""
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in stage.name).strip("-") or READER


def _file(stage: Stage, ending: str) -> str:
    return folder(stage) + ending


def _model(stage: Stage, option: str = "model") -> str:
    if "model" in stage.needs:
        return f"{folder(stage.needs['model'])}/{MODEL}"
    return str(stage.options[option])


def _roles(stage: Stage, role: str) -> list[str]:
    numbered = ((name, need) for name, need in stage.needs.items() if name.rpartition(".")[0] == role)
    return [data_name(need) for _, need in sorted(numbered, key=lambda pair: int(pair[0].rpartition(".")[2]))]


def _setting(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if name == "pack":
        return [flag] if value else []
    return [word for one in (value if isinstance(value, (list, tuple)) else [value]) for word in (flag, str(one))]


def _optional(flag: str, value: Any) -> list[str]:
    return [] if value is None else [flag, str(value)]


def _repeated(flag: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _language(corpus: Stage) -> list[str]:
    return _optional("--language", corpus.options.get("language"))


_WRITERS: Mapping[str, Any] = {"train": _train, "predict": _predict, "map": _map, "encoder": _encoder}
