"""How often the adversarial game is won: `POLYSPAN_SEEDS=10 pytest tests/align/test_game.py -s`.

It prints a row for each space and seed, and the rate of success that docs/alignment.md gives. One seed a space by
default: ten take five minutes.
"""

import os
from dataclasses import dataclass

import pytest
import torch

from polyspan.align import METHODS, precision
from polyspan.align.adversarial_game import _Game
from polyspan.align.methods.muse import Muse
from polyspan.errors import PolyspanError

SPACES = {40: {"width": 40, "topics": 60}, 24: {"width": 24, "topics": 40}}
SEEDS = range(int(os.environ.get("POLYSPAN_SEEDS", "1")))


@dataclass(frozen=True)
class Played:
    """One run of the defaults: P@1, the criterion, and the games that it took."""

    precise: float
    criterion: float
    games: int


@pytest.fixture
def play(languages):
    def run(width: int, seed: int, **options) -> Played:
        spaces = languages(words=2000, **SPACES[width])
        mapped = METHODS["muse"](**options).fit(spaces.x, spaces.y, seed=seed)
        precise = precision(mapped, spaces.x, spaces.y, spaces.pairs, k=(1,))[1]
        return Played(precise, mapped.record["criterion"], len(mapped.record["games"]))

    return run


@pytest.mark.slow
@pytest.mark.parametrize("width", SPACES)
def test_the_game_is_won_from_every_seed_but_one(play, width):
    """A lost run shows in the criterion, which knows no dictionary either."""
    runs = []
    for seed in SEEDS:
        runs.append(run := play(width, seed))
        print(f"\n{width} dimensions, seed {seed}: P@1 {run.precise:.1f}, criterion {run.criterion:.3f}", end="")
        print(f", {run.games} games", end="", flush=True)
    won = sum(run.precise > 95 for run in runs)
    print(f"\n{width} dimensions: {won} of {len(runs)} won, {sum(run.games for run in runs)} games")
    assert [run.precise > 95 for run in runs] == [run.criterion > 0.9 for run in runs]
    assert won >= len(runs) - len(runs) // 10


def test_no_game_is_played_once_one_is_clearly_won(languages):
    """The first game starts from the identity, which is won already where the second space is the first."""
    spaces = languages(words=300, width=12)
    quick = {"steps": 5, "games": 3}
    record = METHODS["muse"](**quick).fit(spaces.x, spaces.x).record
    assert [len(game) for game in record["games"]] == [1]
    assert record["criterion"] == pytest.approx(1, abs=1e-5)
    record = METHODS["muse"](**quick, enough=1.5).fit(spaces.x, spaces.x).record
    assert [len(game) for game in record["games"]] == [3, 3, 3]
    assert record["criterion"] == pytest.approx(1, abs=1e-5)  # the best of the three, not the last


def test_games_that_diverge(languages):
    spaces = languages(words=300, width=12)
    with pytest.raises(PolyspanError, match="every game diverged"):
        METHODS["muse"](learning_rate=1e6, steps=20, games=2).fit(spaces.x, spaces.y)


def test_the_discriminator_keeps_its_rate():
    vectors = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    game = _Game(Muse(learning_rate=0.5), torch.eye(6), vectors, vectors)
    game.step(0.01)
    assert game.teach.param_groups[0]["lr"] == 0.5
