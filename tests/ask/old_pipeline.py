"""What transformers' question-answering pipeline answered, and what `polyspan.pipeline(compat=True)` does.

In an environment of its own, with `pip install "transformers==4.57.*" torch`, the old pipeline answers:

    old/bin/python old_pipeline.py answer READER CALLS.json OLD.json

In polyspan's environment the questions are chosen, and the answers compared:

    python old_pipeline.py questions 60 CALLS.json xquad.en.json xquad.zh.json …
    python old_pipeline.py compare READER CALLS.json OLD.json [DIFFERENCES.json]

CALLS.json is a list of calls, `{"question": …, "context": …}` with parameters beside them; OLD.json has their
results.
"""

import json
import sys
import time
from pathlib import Path


def answer(folder: str, calls: str, out: str) -> None:
    """Ask the old pipeline."""
    from transformers import AutoModelForQuestionAnswering, PreTrainedTokenizerFast, pipeline

    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)  # its class is named as transformers 5 names it
    qa = pipeline("question-answering", model=model, tokenizer=tokenizer, device=-1)
    asked = json.loads(Path(calls).read_text("utf-8"))
    began = time.perf_counter()
    found = [qa(**call) for call in asked]
    print(f"{len(asked) / (time.perf_counter() - began):.1f} questions/s")
    write(out, found)


def questions(each: str, out: str, *data: str) -> None:
    """Choose as many questions of each corpus, spread over its contexts."""
    import polyspan as ps

    calls = []
    for name in data:
        some = ps.sample(ps.read(name), int(each), seed=1)
        calls += [{"question": one.text, "context": paragraph.context} for paragraph, one in some.questions()]
    write(out, calls)


def compare(folder: str, calls: str, old: str, differences: str | None = None) -> None:
    """Count answers, offsets and scores that are equal, and keep those that are not."""
    import polyspan as ps

    qa = ps.pipeline("question-answering", model=folder, compat=True)
    asked, expected = (json.loads(Path(name).read_text("utf-8")) for name in (calls, old))
    began = time.perf_counter()
    found = [qa(**call) for call in asked]
    print(f"{len(asked) / (time.perf_counter() - began):.1f} questions/s")
    triples = list(zip(asked, expected, found, strict=True))
    other = [triple for triple in triples if not alike(*triple[1:])]
    worst = max(
        (abs(one["score"] - two["score"]) for _, *both in triples for one, two in _paired(*both)), default=0
    )
    print(
        f"{len(triples) - len(other)} of {len(triples)} alike; equal answers' scores differ by {worst:.1e} at most"
    )
    if differences:
        write(differences, [{"call": call, "old": one, "new": two} for call, one, two in other])


def write(out: str, items: list) -> None:
    """A JSON list, an item a line."""
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    Path(out).write_text(f"[\n{lines}\n]\n", "utf-8")


def alike(old: dict | list, new: dict | list, tolerance: float = 1e-4) -> bool:
    """Whether two results have the same shape, answers and offsets, and scores within the tolerance."""
    if isinstance(old, list) or isinstance(new, list):
        same = isinstance(old, list) and isinstance(new, list) and len(old) == len(new)
        return same and all(alike(one, two, tolerance) for one, two in zip(old, new, strict=True))
    return abs(old["score"] - new["score"]) <= tolerance and all(
        old[name] == new[name] for name in ("start", "end", "answer")
    )


def _paired(old: dict | list, new: dict | list) -> list[tuple[dict, dict]]:
    """The answers of two results that are equal in text and place."""
    one, two = (result if isinstance(result, list) else [result] for result in (old, new))
    places = {(answer["start"], answer["end"]): answer for answer in two}
    return [(answer, places[key]) for answer in one if (key := (answer["start"], answer["end"])) in places]


if __name__ == "__main__":
    {"answer": answer, "questions": questions, "compare": compare}[sys.argv[1]](*sys.argv[2:])
