"""The work of train, average and predict stages: Readers are trained, or made of several, and answer a test."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.lab.outputs import EVIDENCE, MAP, MODEL, READER, START
from polyspan.lab.stage import ORIGINAL, Inputs
from polyspan.lab.work.answers import write_answers
from polyspan.lab.work.asked_model import ask
from polyspan.lab.work.corpus import kept_corpora, kept_corpus
from polyspan.lab.work.encoder import encoder_name
from polyspan.lab.work.loaded import at_hand
from polyspan.make.codeswitching.augmenting import augmentation
from polyspan.make.made import tally
from polyspan.make.translation.carrying_back import Originals
from polyspan.model.evidence import evidence
from polyspan.model.map import Map
from polyspan.model.windows.windows import WindowOptions
from polyspan.prediction import carry_back
from polyspan.prediction import predict as answer
from polyspan.training.adversary import Adversary
from polyspan.training.averaging import average
from polyspan.training.loop import train as fine_tune
from polyspan.training.settings import from_options
from polyspan.training.snapshot import CHECKPOINTS


def train(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """Train on the corpora `data.0`, …: the folder `reader`, with `run.json` in it.

    Options: `model` (or the role `model`, or `start`: a Reader to go on from), the `settings` in full, `seed`,
    `limit`, `weights`, `checkpoints`, and `adversary` {layer, weight} with its text in the roles `adversary.0`, …;
    `augment` {dictionaries, rate}. The role `map` has an alignment. An adapter is merged where its base is a stage
    too, which stores may let go. A folder that a killed run left is gone on with.
    """
    given, switched = options.get("adversary"), options.get("augment")
    settings = from_options(options["settings"])
    fine_tune(
        kept_corpora(inputs, "data"),
        encoder_name(options, inputs),
        out / READER,
        settings,
        seed=int(options.get("seed", 42)),
        limit=options.get("limit"),
        weights=options.get("weights"),
        augment=augmentation(switched["dictionaries"], switched["rate"]) if switched else None,
        align=Map.load(inputs["map"] / MAP) if "map" in inputs else None,
        adversary=Adversary(corpora=kept_corpora(inputs, "adversary"), **given) if given else None,
        merge=settings.lora is not None and (MODEL in inputs or START in inputs),
        checkpoints=int(options.get("checkpoints", 1)),
        resume=True,
    )


def averaged(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """Average the Readers in the roles `reader.0`, …: the folder `reader`, with `run.json` in it."""
    average([inputs[f"reader.{at}"] / READER for at in range(len(inputs))], out / READER)


def predict(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """Answer the corpus in the role `test`: `predictions.json`, `spans.json`, `scores.json`; with the option
    `evidence` also what the Reader knew of each question.

    It is answered by the Reader in the role `reader`, or by its `checkpoint` of that number; without one by an
    encoder whose head was never trained: the option `untrained` (or the role `model`) with a head drawn from
    `seed` and its `windows`. It is computed in `dtype`. With the option `llm`, a name, a language model is asked
    instead. Answers are brought back to the corpus in the role `original`, of which the test is a translation.
    States pass through the map in the role `map`.
    """
    test = kept_corpus(inputs["test"])
    if "llm" in options:
        return ask(options, inputs, test, out)
    dtype = str(options.get("dtype", "fp32"))
    if "reader" in inputs:
        number = options.get("checkpoint")
        folder = inputs["reader"] / READER
        reader = at_hand(folder if number is None else folder / CHECKPOINTS / str(number), dtype=dtype)
    else:
        name = encoder_name({"model": options.get("untrained")}, inputs)
        reader = at_hand(name, WindowOptions(**options["windows"]), int(options.get("seed", 0)), dtype)
    pack = options.get("pack")
    if options.get("evidence"):
        seen = Counter[str]()
        known = evidence(reader, test, pack=pack, unknown=seen)  # its best spans are the answers
        known.save(out / EVIDENCE)
        texts = dict(zip(known.ids, known.texts, strict=True))
        write_answers(out, test, texts, known.spans(), pieces=seen["pieces"], unknown_pieces=seen["unknown"])
        return None
    made = answer(reader, test, pack=pack, align=Map.load(inputs["map"] / MAP) if "map" in inputs else None)
    facts: dict[str, Any] = {}
    if ORIGINAL in inputs:
        originals = Originals(test, kept_corpus(inputs[ORIGINAL]))
        made, test = carry_back(made, originals), originals.asked()
        facts = {"brought_back": tally(originals.ways)}
    spans = {key: (found[0].start, found[0].end) for key, found in made.candidates.items()}
    return write_answers(out, test, made.texts, spans, pieces=made.pieces, unknown_pieces=made.unknown, **facts)
