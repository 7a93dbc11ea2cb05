"""Two languages made from one space: clustered, ranked as words are, and turned by a random rotation."""

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Languages:
    """Vectors of both in order of frequency; row i of `x` means the same as row `truth[i]` of `y`."""

    x: np.ndarray
    y: np.ndarray
    truth: np.ndarray

    @property
    def pairs(self) -> np.ndarray:
        return np.stack([np.arange(len(self.truth)), self.truth], 1)


@pytest.fixture
def languages():
    return make_languages


def make_languages(words=2000, width=40, seed=0, noise=0.05, topics=60, jitter=0.3, shift=0.0, scale=1.0):
    """Words in topics of Zipf's sizes about random centres. The second language has the same ones, rotated, with
    `noise` in every vector, ranks changed by `jitter` (deviation of their logarithm), moved and scaled."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(topics, width)) * generator.gamma(4, 0.25, size=width)
    sizes = 1 / np.arange(1, topics + 1)
    topic = generator.choice(topics, words, p=sizes / sizes.sum())
    x = centres[topic] + generator.normal(size=(words, width)) * 0.6
    q, _ = np.linalg.qr(generator.normal(size=(width, width)))
    order = np.argsort(np.log(np.arange(1, words + 1)) + generator.normal(size=words) * jitter)
    y = scale * (x[order] @ q + noise * generator.normal(size=x.shape)) + shift * generator.normal(size=width)
    x = x + shift * generator.normal(size=width)
    return Languages(x.astype(np.float32), y.astype(np.float32), np.argsort(order))
