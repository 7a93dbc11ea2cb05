"""Do adapters of languages help? `python adapt_a_language.py FOLDER QUESTIONS TEXT TEST [name=value …]`.

QUESTIONS are in the source language, TEXT and TEST in the target's: a Reader that learnt the task alone, one that
learnt it on the source language's adapter, and the same with the target's in its place answer TEST. The adapter of
each language is trained once, by the first seed, as one would download it; the task is learnt with every seed.
"""

import statistics
import sys
from pathlib import Path

import polyspan as ps


def main(
    folder: str,
    questions: str,
    text: str,
    test: str,
    model: str = "bundled:e5-small",
    languages: str = "en,ja",
    metric: str = "drcd.v1",
    seeds: str = "42,43,44",
    asked: int | str = 3000,
    contexts: int | str = 2000,
    tested: int | str = 300,
    precision: str = "fp32",
    max_length: int | str = 256,
) -> None:
    """Train all, each from where it was stopped, and print F1 by seed.

    `asked` questions are learnt from, `contexts` of each language, and `tested` questions are answered.
    """
    out, (source, target) = Path(folder), languages.split(",")
    lines = {"precision": precision, "max_length": int(max_length)}
    words = ps.preset("adapt", **lines)
    task = ps.preset("cpu", lora=16, learning_rate=1e-3, epochs=1.0, stride=32, **lines)
    learnt, held = ps.read(questions, source), ps.sample(ps.read(test, target), int(tested), seed=1)
    found: dict[str, list[float]] = {"none": [], source: [], target: []}
    drawn = [int(seed) for seed in seeds.split(",")]
    for language, corpus in ((source, learnt), (target, ps.read(text, target))):
        ps.adapt([corpus], model, out / language, words, seed=drawn[0], limit=int(contexts), resume=True)
    for seed in drawn:
        here = out / str(seed)
        for name, below in (("none", model), ("stacked", out / source)):
            ps.train([learnt], str(below), here / name, task, seed=seed, limit=int(asked), resume=True)
        readers = {"none": ps.Reader.load(here / "none"), source: ps.Reader.load(here / "stacked")}
        readers[target] = ps.Reader.load(here / "stacked", language_adapter=out / target)
        for name, reader in readers.items():
            found[name].append(ps.score.score(held, ps.predict(reader, held).texts, metric).f1)
        print(f"seed {seed}:", ", ".join(f"{name} {f1[-1]:.1f}" for name, f1 in found.items()), flush=True)
    for name, f1 in found.items():
        print(f"adapter of {name}: F1 {statistics.mean(f1):.1f}, from {min(f1):.1f} to {max(f1):.1f}")


if __name__ == "__main__":
    plain = [word for word in sys.argv[1:] if "=" not in word]
    main(*plain, **dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word))
