"""A Reader for programs with an event loop: it computes beside the loop, and together what waits together."""

import asyncio
from typing import NamedTuple

from polyspan.model.answers import AnswerOptions, Candidate
from polyspan.model.reader import Reader


class _Asked(NamedTuple):
    question: str
    context: str
    answer: asyncio.Future[Candidate]


class AsyncReader:
    """`await AsyncReader(reader).answer(question, context)`, from any number of tasks of one event loop.

    A thread computes what has been asked meanwhile, at most `at_once` questions at a time, with the options given
    here; each gets what `Reader.answer` gives it. A task that is cancelled takes its question back. The Reader is
    not to be used elsewhere at the same time.
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
            batch, self._waiting = self._waiting[: self.at_once], self._waiting[self.at_once :]
            await self._answer(batch)

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
