"""A trained Reader answered by what people would write today, each way plainly. Needs nothing of polyspan.

`python plain_peer.py WAY FOLDER` runs in an environment of its own, where polyspan is not installed: `pipeline`
is transformers 4's, on a saved Reader; `onnxruntime` and `openvino` read `model.onnx` and `tokenizer.json` of an
exported one, in batches of 8 windows of like length. It reads lists of questions and contexts, a JSON list a line,
and answers with texts, seconds and its peak of memory; to the empty list with what is installed for it.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Collection, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

LENGTH, OVERLAP, BATCH, LONGEST = 384, 128, 8, 30
ROUNDED = "plain-int8.onnx"

Pair = tuple[str, str]
"""A question and its context."""
Answer = Callable[[list[Pair]], list[str]]


def pipeline(folder: Path, way: str) -> Answer:
    """transformers 4's own, told the windows and the longest answer that the others have."""
    import transformers

    classes: Any = transformers

    # names of classes that transformers 5 wrote need not be known to transformers 4
    tokenizer = classes.PreTrainedTokenizerFast.from_pretrained(folder)
    model = classes.AutoModelForQuestionAnswering.from_pretrained(folder)
    found = classes.pipeline("question-answering", model=model, tokenizer=tokenizer, device=-1)
    options = {"max_seq_len": LENGTH, "doc_stride": OVERLAP, "max_answer_len": LONGEST, "align_to_words": False}

    def answer(pairs: list[Pair]) -> list[str]:
        if not pairs:
            return []
        given, contexts = map(list, zip(*pairs, strict=True))
        answers = found(question=given, context=contexts, **options)
        return [one["answer"] for one in (answers if isinstance(answers, list) else [answers])]

    return answer


def onnxruntime(folder: Path, way: str) -> Answer:
    """A session as it is by default; of `onnxruntime-int8` with what `quantize_dynamic` made of the model."""
    import onnxruntime as runtime

    path = folder / (ROUNDED if way.endswith("int8") else "model.onnx")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}
    return windowed(folder, names, lambda given: session.run(["start_logits", "end_logits"], given))


def openvino(folder: Path, way: str) -> Answer:
    """A model compiled as it is by default, in bf16 where the processor has it; `openvino-fp32` in that."""
    import openvino as runtime  # type: ignore[import-not-found, unused-ignore]

    hints = {"INFERENCE_PRECISION_HINT": "f32"} if way.endswith("fp32") else {}
    model = runtime.Core().compile_model(folder / "model.onnx", "CPU", hints)
    names = {one.any_name for one in model.inputs}

    def run(given: dict[str, Any]) -> Any:
        found = model(given)
        return found["start_logits"], found["end_logits"]

    return windowed(folder, names, run)


def windowed(folder: Path, names: Collection[str], run: Callable[[dict[str, Any]], Any]) -> Answer:
    """Questions answered by logits: overlapping windows, sorted by length, and the best legal span of each."""
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LENGTH, stride=OVERLAP, strategy="only_second")
    reach = np.arange(LENGTH)[None, :] - np.arange(LENGTH)[:, None]
    legal = np.where((reach >= 0) & (reach < LONGEST), 0, -np.inf).astype(np.float32)

    def answer(pairs: list[Pair]) -> list[str]:
        windows = []
        for number, first in enumerate(tokenizer.encode_batch(pairs)):
            windows += [(number, window) for window in (first, *first.overflowing)]
        windows.sort(key=lambda one: len(one[1].ids))
        best: list[tuple[float, str]] = [(-np.inf, "")] * len(pairs)
        for place in range(0, len(windows), BATCH):
            part = windows[place : place + BATCH]
            width = max(len(window.ids) for _, window in part)
            given = {name: np.zeros((len(part), width), np.int64) for name in names}
            for row, (_, window) in enumerate(part):
                own = {"input_ids": window.ids, "attention_mask": window.attention_mask}
                own["token_type_ids"] = window.type_ids
                for name in names:
                    given[name][row, : len(window.ids)] = own[name]
            starts, ends = run(given)
            for row, (number, window) in enumerate(part):
                size = len(window.ids)
                inside = np.array([0 if one == 1 else -np.inf for one in window.sequence_ids], np.float32)
                scores = (starts[row, :size] + inside)[:, None] + (ends[row, :size] + inside)[None, :]
                scores = scores + legal[:size, :size]
                start, end = divmod(int(scores.argmax()), size)
                if scores[start, end] > best[number][0]:
                    span = window.offsets[start][0], window.offsets[end][1]
                    best[number] = float(scores[start, end]), pairs[number][1][slice(*span)]
        return [text for _, text in best]

    return answer


def installed(names: Sequence[str]) -> float:
    """Megabytes of packages and of all that they need, as they are installed beside this program."""
    waiting, seen, total = list(names), set[str](), 0
    while waiting:
        name = waiting.pop().replace("_", "-").lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for file in package.files or ():
            place = Path(str(package.locate_file(file)))
            total += place.stat().st_size if place.is_file() else 0
        needs = [one for one in package.requires or () if "extra ==" not in one]
        waiting += [re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in needs]
    return total / 1e6


def serve(answer: Answer, needed: Sequence[str]) -> None:
    """Answer the lists on stdin one after another; `needed` are the packages that had to be installed for it."""
    import resource  # not on Windows

    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints does not come between
    for line in sys.stdin:
        pairs = [(question, context) for question, context in json.loads(line)]
        began = time.perf_counter()
        texts = answer(pairs)
        told: dict[str, Any] = {"seconds": time.perf_counter() - began, "texts": texts}
        told["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if not pairs:
            told["installed"] = installed(needed)
        print(json.dumps(told), file=answers, flush=True)


WAYS = {"pipeline": pipeline, "onnxruntime": onnxruntime, "openvino": openvino}

if __name__ == "__main__":
    way, folder = sys.argv[1:3]
    kind = way.partition("-")[0]
    serve(WAYS[kind](Path(folder), way), ["transformers", "torch"] if kind == "pipeline" else [kind, "tokenizers"])
