# Owned by the template: every update rewrites this file. Its limits: SERVING_MAX_BATCH.
"""Requests that wait together are computed together.

A batch is what is there when the model is free: nobody waits for others to come, so a lone request
is not slower, and the more requests wait, the larger the batches are.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .metrics import Metrics
from .problems import BusyError

Arrays = Mapping[str, NDArray[Any]]
T = TypeVar("T")


class Computing(Protocol):
    """A model that can compute."""

    @property
    def version(self) -> str:
        """What this version of it is called."""

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return the named outputs, with an example in each row of all."""


@dataclass(frozen=True)
class Answer:
    """What a model gave for a request.

    Attributes:
        outputs: The named outputs.
        model: The version of the model that computed them.
    """

    outputs: dict[str, NDArray[Any]]
    model: Any


@dataclass(eq=False)
class _Waiting:
    inputs: Arrays
    count: int
    answer: asyncio.Future[Answer]

    def fits(self, other: _Waiting) -> bool:
        """Tell whether both can be rows of the same arrays."""
        return all(
            array.shape[1:] == other.inputs[name].shape[1:]
            and array.dtype == other.inputs[name].dtype
            for name, array in self.inputs.items()
        )


class Batcher:
    """A bounded queue before a model, and the one thread in which the model computes."""

    def __init__(
        self,
        model: Computing,
        metrics: Metrics,
        *,
        max_batch: int,
        max_waiting: int,
        observe: Callable[[Computing, Arrays, Arrays], None] | None = None,
    ) -> None:
        """Begin to compute for a model what is submitted.

        Args:
            model: It may be exchanged later.
            metrics: Where batches and the queue are measured.
            max_batch: The most examples that are computed at once.
            max_waiting: The most that wait.
            observe: What sees a model, inputs and outputs of each batch, in the model's thread.
        """
        self.model = model
        self._metrics = metrics
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._observe = observe
        self._queue: deque[_Waiting] = deque()
        self._filled = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "model")
        self._task = asyncio.create_task(self._compute_all())

    async def submit(self, inputs: Arrays) -> Answer:
        """Return what the model gives; a cancelled request leaves the queue.

        Raises:
            BusyError: The queue is full.
        """
        count = len(next(iter(inputs.values())))
        self.require_room(count)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(inputs, count, answer)
        self._queue.append(waiting)
        self._metrics.waiting.inc(count)
        self._filled.set()
        try:
            return await answer
        except asyncio.CancelledError:
            self._metrics.cancelled.inc()
            raise
        finally:
            self._leave([waiting])

    def require_room(self, count: int = 1) -> None:
        """Raise BusyError if so many more examples cannot wait."""
        if self.waiting + count > self._max_waiting:
            self._metrics.refused.inc()
            raise BusyError("Too many requests wait already: ask again in a while.")

    @property
    def waiting(self) -> int:
        """The number of examples that wait."""
        return sum(each.count for each in self._queue)

    async def in_turn(self, function: Callable[[], T]) -> T:
        """Run a function in the model's thread, after the batch that it computes now."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def close(self) -> None:
        """End, once the batch of now is computed."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown()

    async def _compute_all(self) -> None:
        while True:
            await self._filled.wait()
            batch = self._take()
            if not batch:
                self._filled.clear()
                continue
            model = self.model
            try:
                parts = await self.in_turn(partial(self._compute, model, batch))
            except Exception as error:
                await self._compute_alone(model, batch, error)
            else:
                _tell(batch, parts, model)

    def _take(self) -> list[_Waiting]:
        """Take from the queue what fits into one batch with the first, in the order it came in."""
        batch: list[_Waiting] = []
        count = 0
        for each in list(self._queue):
            if batch and (count + each.count > self._max_batch or not batch[0].fits(each)):
                continue
            batch.append(each)
            count += each.count
        self._leave(batch)
        return batch

    def _leave(self, leaving: Sequence[_Waiting]) -> None:
        for each in leaving:
            if each in self._queue:
                self._queue.remove(each)
                self._metrics.waiting.dec(each.count)

    def _compute(
        self, model: Computing, batch: Sequence[_Waiting]
    ) -> list[dict[str, NDArray[Any]]]:
        began = time.perf_counter()
        names = batch[0].inputs
        together = {name: np.concatenate([each.inputs[name] for each in batch]) for name in names}
        outputs = model.predict(together)
        ends = np.cumsum([each.count for each in batch])
        self._metrics.batch_examples.labels(model.version).observe(int(ends[-1]))
        self._metrics.batch_seconds.labels(model.version).observe(time.perf_counter() - began)
        if self._observe is not None:
            self._observe(model, together, outputs)
        return [
            {name: array[end - each.count : end] for name, array in outputs.items()}
            for each, end in zip(batch, ends, strict=True)
        ]

    async def _compute_alone(
        self, model: Computing, batch: Sequence[_Waiting], error: Exception
    ) -> None:
        """Let the requests of a batch that failed fail or succeed each by itself."""
        for each in batch:
            try:
                if len(batch) == 1:
                    raise error
                parts = await self.in_turn(partial(self._compute, model, [each]))
                _tell([each], parts, model)
            except Exception as own:
                if not each.answer.done():
                    each.answer.set_exception(own)


def _tell(
    batch: Sequence[_Waiting], parts: Sequence[dict[str, NDArray[Any]]], model: Computing
) -> None:
    for each, outputs in zip(batch, parts, strict=True):
        if not each.answer.done():  # its client may have left
            each.answer.set_result(Answer(outputs, model))
