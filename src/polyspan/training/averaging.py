"""Several Readers that were trained from one encoder as one: the mean of their weights."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, replacing_folder, require_writable, write_json
from polyspan.model.reader import Reader

_RECORD = "run.json"


def average(readers: Sequence[Source], out: Source) -> Reader:
    """Write the Reader whose weights are the means of those of `readers` to the folder `out`.

    They are runs of one encoder that differ in seed or settings (Wortsman et al. 2022; over seeds, for transfer,
    Schmidt et al. 2023). Windows, tokenizer, card and `run.json` are those of the first, the last with the seeds
    of all and their seconds added up; none of their calibrations holds. Raises UsageError where there is none,
    PolyspanError where their weights, vocabularies or windows do not belong together.
    """
    if not readers:
        raise UsageError("there is no Reader to average", fix="name two or more")
    out = Path(out).absolute()
    require_writable(out, folder=True)
    first = _loaded(readers[0])
    mean = {name: weight.detach().float().clone() for name, weight in first.model.named_parameters()}
    for number, name in enumerate(readers[1:], start=2):
        other = _loaded(name)
        _require_alike(first, other, str(readers[0]), str(name))
        for part, weight in other.model.named_parameters():
            mean[part] += (weight.detach().float() - mean[part]) / number
    first.model.load_state_dict(mean, strict=False)
    first.card = replace(first.card, name=out.name, seed=None, command=_command(readers), results=())
    record = _record([Path(name) / _RECORD for name in readers])
    with replacing_folder(out) as folder:
        first.save(folder)
        if record:
            write_json(folder / _RECORD, record)
    return first


def _loaded(name: Source) -> Reader:
    reader = Reader.load(str(name), calibrated=False)
    if reader.fresh_head:
        raise PolyspanError(f"{name} {reader.doubt}", fix="average Readers that were trained")
    reader.merge()
    return reader


def _require_alike(first: Reader, other: Reader, name: str, another: str) -> None:
    shapes, others = ({key: part.shape for key, part in one.model.named_parameters()} for one in (first, other))
    unlike = next((key for key in {**shapes, **others} if shapes.get(key) != others.get(key)), None)
    if unlike is not None:
        found = f"{unlike}: {_shape(shapes.get(unlike))} and {_shape(others.get(unlike))}"
    elif first.tokenizer.get_vocab() != other.tokenizer.get_vocab():
        found = "other pieces"
    elif first.options != other.options:
        found = f"{first.options} and {other.options}"
    else:
        return
    fix = "average Readers that one encoder was trained to"
    raise PolyspanError("these Readers have no mean", where=f"{name}, {another}", found=found, fix=fix)


def _shape(shape: Sequence[int] | None) -> str:
    return "none" if shape is None else " × ".join(map(str, shape))


def _command(readers: Sequence[Source]) -> str:
    named = ", ".join(f'"{Path(name).name}"' for name in readers)
    return f'ps.average([{named}], "reader")'


def _record(paths: Sequence[Path]) -> dict[str, Any]:
    """The first run's record, with what is of all; {} where one has none."""
    if not all(path.is_file() for path in paths):
        return {}
    runs = [json.loads(path.read_text("utf-8")) for path in paths]
    seconds = round(sum(run["seconds"] for run in runs), 1)
    kept = {key: value for key, value in runs[0].items() if key not in ("loss", "checkpoints")}
    return kept | {"averaged": [run["seed"] for run in runs], "seconds": seconds}
