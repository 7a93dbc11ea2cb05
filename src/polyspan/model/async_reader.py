"""A Reader for programs with an event loop: it computes beside the loop, and together what waits together."""

import asyncio
from itertools import accumulate
from typing import NamedTuple

from polyspan.model.answers import AnswerOptions, Candidate
from polyspan.model.reader import Reader
from polyspan.model.search import budget_of

_CHARACTERS = 4  # that a piece has, about, in most scripts


class _Asked(NamedTuple):
    question: str
    context: str
    answer: asyncio.Future[Candidate]

    @property
    def characters(self) -> int:
        """To be read; none of what is no text, which the Reader refuses."""
        return sum(len(text) for text in (self.question, self.context) if isinstance(text, str))


class AsyncReader:
    """`await AsyncReader(reader).answer(question, context)`, from any number of tasks of one event loop.

    A thread computes what has been asked meanwhile with the options given here; each gets what `Reader.answer`
    gives it. At a time it takes what makes about one batch of the encoder, at most `at_once` questions, so that
    short texts wait for a long one no longer than it takes by itself. A task that is cancelled takes its question
    back. The Reader is not to be used elsewhere at the same time.
    """

    def __init__(self, reader: Reader, options: AnswerOptions = AnswerOptions(), *, at_once: int = 64) -> None:
        self.reader, self.options, self.at_once = reader, options, at_once
        self._waiting: list[_Asked] = []
        self._working: asyncio.Task[None] | None = None

    async def answer(self, question: str, context: str) -> Candidate:
        """The best answer to one question from one context."""
        asked = _Asked(question, context, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await asked.answer

    async def _work(self) -> None:
        while self._waiting:
            size = self._size()
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            await self._answer(batch)

    def _size(self) -> int:
        """How many of the questions that wait are a batch: one at least."""
        room = _CHARACTERS * budget_of(self.reader.device)
        sums = accumulate(asked.characters for asked in self._waiting[: self.at_once])
        return max(1, sum(characters <= room for characters in sums))

    async def _answer(self, batch: list[_Asked]) -> None:
        batch = [asked for asked in batch if not asked.answer.done()]  # without those taken back
        if not batch:
            return
        questions, contexts = [asked.question for asked in batch], [asked.context for asked in batch]
        try:
            found = await asyncio.to_thread(self.reader.answer_many, questions, contexts, self.options)
        except Exception as error:
            if len(batch) > 1:  # one of them is at fault; it must not spoil the others
                for asked in batch:
                    await self._answer([asked])
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return
        for asked, candidate in zip(batch, found, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(candidate)
