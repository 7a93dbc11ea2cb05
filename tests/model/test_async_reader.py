"""Questions from many tasks are computed together and answered as one by one."""

import asyncio

import pytest

from polyspan.errors import PolyspanError
from polyspan.model import async_reader
from polyspan.model.async_reader import AsyncReader
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions

PAIRS = [
    (f"who won {number}", f"The cup was won by leeds in 19{number}. The cup is in hull.")
    for number in range(10, 22)
]


@pytest.fixture(scope="module")
def reader(tiny):
    return Reader.load(tiny, WindowOptions(max_length=32, stride=8), seed=3)


@pytest.fixture
def batches(reader, monkeypatch):
    """The sizes of the batches that the Reader was given."""
    sizes: list[int] = []
    whole = reader.answer_many

    def counted(questions, contexts, options):
        sizes.append(len(questions))
        return whole(questions, contexts, options)

    monkeypatch.setattr(reader, "answer_many", counted)
    return sizes


def gathered(reader, pairs, **options):
    async def ask():
        own = AsyncReader(reader, **options)
        return await asyncio.gather(*(own.answer(*pair) for pair in pairs), return_exceptions=True)

    return asyncio.run(ask())


def test_answers_are_those_of_the_reader(reader, batches):
    found = gathered(reader, PAIRS, at_once=5)
    assert sum(batches) == len(PAIRS)
    assert max(batches) == 5
    for (question, context), one in zip(PAIRS, found, strict=True):
        alone = reader.answer(question, context)
        assert (one.text, one.start, one.end) == (alone.text, alone.start, alone.end)
        assert one.score == pytest.approx(alone.score, abs=1e-4)


def test_what_is_read_together_is_a_batch_of_the_encoder(reader, batches, monkeypatch):
    """One long text neither waits for others nor holds them up for longer than it takes by itself."""
    monkeypatch.setattr(async_reader, "budget_of", lambda _: 60)  # pieces: some 240 characters
    long = ("who won", "The cup was won by leeds. " * 20)
    found = gathered(reader, [*PAIRS[:4], long, *PAIRS[4:8]])
    assert batches == [3, 1, 1, 3, 1]
    assert [one.text for one in found[4:5]] == [reader.answer(*long).text]


def test_a_bad_question_spoils_no_other(reader):
    found = gathered(reader, [*PAIRS[:2], ("who", "half \ud83d of a pair"), ("who", None)])
    assert [type(one).__name__ for one in found] == ["Candidate", "Candidate", "PolyspanError", "TypeError"]
    assert isinstance(found[2], PolyspanError)


def test_a_question_taken_back_is_not_computed(reader, batches):
    async def ask():
        own = AsyncReader(reader)
        tasks = [asyncio.create_task(own.answer(*pair)) for pair in PAIRS[:4]]
        await asyncio.sleep(0)  # asked, not yet computed
        tasks[1].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, asyncio.CancelledError) for one in found] == [False, True, False, False]
        return await own.answer(*PAIRS[5])  # and it goes on

    assert asyncio.run(ask()).text is not None
    assert sum(batches) == 4
