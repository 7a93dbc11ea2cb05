"""Table 7 of docs/results.md: a reader trained on English with each alignment, tested on DRCD dev.

    python experiments/alignment.py --data FOLDER --out runs/alignment

FOLDER holds the public corpora (CONTRIBUTING.md says which). What is finished is not done again.
"""

import argparse
import json
from pathlib import Path

import polyspan as ps
from polyspan.align import METHODS
from polyspan.align.translations import default_seeds, seed_pairs
from polyspan.align.vectors import encoder_vectors
from polyspan.files import write_json
from polyspan.model.adversary import Adversary
from polyspan.model.map import Map
from polyspan.score import Scores
from polyspan.stats import compare

SEED = 42


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/alignment"))
    parser.add_argument("--model", default="bundled:e5-small")
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--tests", type=int, default=500, help="questions of DRCD dev")
    parser.add_argument("--layers", type=int, nargs="+", default=(4, 10), help="where maps are applied")
    parser.add_argument(
        "--methods", nargs="+", default=["none", "adversary", "mean", "procrustes", "muse", "vecmap", "dema"]
    )
    given = parser.parse_args()

    english = ps.read(given.data / "squad_v1.1/squad_v1.1_train_44articles.json")
    chinese = ps.read(given.data / "drcd/DRCD_test.json")  # unlabelled text that is not the test set's
    test = ps.sample(ps.read(given.data / "drcd/DRCD_dev.json"), given.tests, SEED)
    settings = ps.preset("cpu", epochs=1.0, learning_rate=2e-4)
    scores = {}
    for method in given.methods:
        for layer in {"none": (0,), "adversary": (8, 11)}.get(method, given.layers):
            name = method if method == "none" else f"{method}-{layer}"
            extra = {}
            if method == "adversary":
                extra["adversary"] = Adversary(layer, [chinese])
            elif method != "none":
                extra["align"] = fitted(given, method, layer, english, chinese)
            folder = given.out / "readers" / name
            reader = ps.train(
                [english], given.model, folder, settings, seed=SEED, limit=given.questions, resume=True, **extra
            )
            kept = given.out / "predictions" / f"{name}.json"
            if not kept.is_file():
                ps.predict(reader, test).write(kept)
            scores[name] = ps.score(test, json.loads(kept.read_text("utf-8")), "drcd.v1")
            write_json(given.out / "results.json", [row(name, scores) for name in scores])


def fitted(given: argparse.Namespace, method: str, layer: int, english: ps.Corpus, chinese: ps.Corpus) -> Map:
    """The map from English to Chinese piece types at a layer of the encoder as it was pre-trained."""
    path = given.out / "maps" / f"{method}-{layer}.safetensors"
    if path.is_file():
        return Map.load(path)
    reader = ps.Reader.load(given.model)
    x, y = (
        encoder_vectors(reader, corpus, layer, most=5000, seed=SEED, limit=800) for corpus in (english, chinese)
    )
    pairs = seed_pairs(default_seeds(method), x.words, y.words)
    found = METHODS[method]().fit(x.matrix, y.matrix, pairs=pairs, seed=SEED, doing=f"{method} at layer {layer}")
    found.record.update(layer=layer, model=given.model, source=english.name, target=chinese.name)
    found.save(path)
    return found


def row(name: str, scores: dict[str, Scores]) -> dict[str, object]:
    """One line of the table, with the difference to the reader without alignment and its 95 % interval."""
    made = scores[name].summary()
    line: dict[str, object] = {"approach": name, "n": made["n"]}
    line |= {measure: round(made[measure], 2) for measure in ("exact_match", "f1")}
    if name != "none":
        against = compare(scores["none"], scores[name], seed=SEED)
        line["delta_f1"] = [round(value, 2) for value in (against.f1.delta, against.f1.low, against.f1.high)]
        line["p"] = round(against.f1.p, 4)
    return line


if __name__ == "__main__":
    main()
