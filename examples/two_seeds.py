"""A recipe run from Python, and the spread over its seeds: `python two_seeds.py FOLDER`."""

import statistics
import sys
from pathlib import Path

import polyspan as ps

RECIPE = Path(__file__).with_name("two_seeds.yaml")


def main(folder: str, *changes: str) -> None:
    """Run it, then print the mean and the range of F1 in each language; `changes` are as `--set` takes them."""
    result = ps.run(RECIPE, folder, changes)
    rows = result["matrix"]
    for test in dict.fromkeys(row["test"] for row in rows):
        f1 = [row["f1"] for row in rows if row["test"] == test]
        print(f"{test}: F1 {statistics.mean(f1):.1f}, from {min(f1):.1f} to {max(f1):.1f} over {len(f1)} seeds")


if __name__ == "__main__":
    main(*sys.argv[1:])
