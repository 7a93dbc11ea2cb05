"""A spreadsheet of questions from end to end: `python own_data.py questions.csv FOLDER [MODEL]`.

The columns are `id`, `question`, `context` and `answer`; `title` names the article that a context is from.
"""

import sys
from pathlib import Path

import polyspan as ps


def main(table: str, folder: str, model: str = "bundled:e5-small", **changes: int) -> None:
    """Check and mend the table, hold a third of it out, train on the rest, and score the answers.

    `changes` are settings of training, such as `max_length=256`.
    """
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    print("faults:", ps.check(table).counts() or "none")
    mended = ps.repair(table, out / "mended.json")
    print(f"kept {mended.questions} questions, set aside {mended.quarantined_questions}")

    learnt, held_out = ps.split(ps.read(out / "mended.json", "en"), fraction=1 / 3, seed=1)
    settings = ps.preset("cpu", epochs=1.0, batch_size=2, **changes)
    reader = ps.train([learnt], model, out / "reader", settings, seed=1)
    predictions = ps.predict(reader, held_out)
    predictions.write(out / "answers.json")
    print(ps.score(held_out, predictions.texts, "squad.v1").summary())


if __name__ == "__main__":
    main(*sys.argv[1:4])
