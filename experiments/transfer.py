"""The transfer matrix of docs/results.md: one small reader for each of four languages, tested on seven sets.

    python experiments/transfer.py --data FOLDER --out runs/transfer

FOLDER holds the public corpora (CONTRIBUTING.md says which). A run that was stopped goes on where it was.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import polyspan as ps

SEED = 42


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/transfer"))
    parser.add_argument("--model", default="bundled:e5-small")
    parser.add_argument("--tests", type=int, default=250, help="questions of each test set")
    given = parser.parse_args()
    data = given.data

    korean_train, korean_test = ps.split(ps.read(data / "korquad_v1.0/KorQuAD_v1.0_dev.json"), 0.3, seed=SEED)
    squad = ps.read(data / "squad_v1.1/squad_v1.1_train_44articles.json")
    drcd = ps.read(data / "drcd/DRCD_test.json")
    jaquad = ps.read(f"{data}/jaquad/train_0*.json", "ja")
    training = {  # questions: as many as an hour or so on two cores allows
        "English": [ps.sample(squad, 3000, SEED)],
        "Chinese": [ps.sample(drcd, 1500, SEED)],
        "Korean": [ps.sample(korean_train, 1500, SEED)],
        "Japanese": [ps.sample(jaquad, 1500, SEED)],
    }
    tests = [
        replace(
            ps.read(f"{data}/squad_v1.1/squad_v1.1_dev_part*.json", "en"), name="squad:dev", metric="squad.v1"
        ),
        ps.read(data / "drcd/DRCD_dev.json"),
        replace(korean_test, name="korquad:held-out"),
        replace(ps.read(f"{data}/jaquad/dev_*.json", "ja"), name="jaquad:dev", metric="drcd.v1"),
        *(ps.read(data / f"xquad/xquad.{language}.json") for language in ("zh", "es", "ar")),
    ]
    settings = ps.preset("cpu", epochs=1.0, learning_rate=2e-4)
    command = "python experiments/transfer.py --data FOLDER --out runs/transfer"
    ps.transfer_matrix(
        training, tests, given.model, given.out, settings, seed=SEED, test_limit=given.tests, command=command
    )


if __name__ == "__main__":
    main()
