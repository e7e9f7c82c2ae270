"""Requests that arrive together run together, as in batching/batching_session.cc."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
from google.protobuf.message import Message

from tests.serving.model_server.status_error import (
    StatusError,
    failed_precondition,
    invalid_argument,
)

Tensors = dict[str, np.ndarray]


class Task(NamedTuple):
    inputs: Tensors
    outputs: "Future[Tensors]"
    arrival: float  # time.monotonic()

    @property
    def size(self) -> int:
        return len(next(iter(self.inputs.values())))


class Batcher:
    """Joins concurrent calls of a function along dimension 0.

    Args:
        run: function to call on the joined inputs.
        parameters: limits of a batch, a BatchingParameters message.
    """

    def __init__(self, run: Callable[[Tensors], Tensors], parameters: Message) -> None:
        self._run = run
        self._max_size = parameters.max_batch_size.value
        self._timeout = parameters.batch_timeout_micros.value / 1e6
        self._pad = parameters.pad_variable_length_inputs
        self._tasks: deque[Task] = deque()
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __call__(self, inputs: Tensors) -> Tensors:
        task = Task(inputs, Future(), time.monotonic())
        self._check(task)
        with self._changed:
            self._tasks.append(task)
            self._changed.notify_all()
        return task.outputs.result()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _check(self, task: Task) -> None:
        if any(value.ndim == 0 for value in task.inputs.values()):
            raise invalid_argument("Batching Run() input tensors must have at least one dimension")
        if len({len(value) for value in task.inputs.values()}) > 1:
            raise invalid_argument(
                "Batching Run() input tensors must have equal 0th-dimension size"
            )
        if task.size > self._max_size:
            raise invalid_argument(
                f"Task size {task.size} is larger than maximum input batch size {self._max_size}"
            )

    def _work(self) -> None:
        while batch := self._collect():
            self._process(batch)

    def _collect(self) -> list[Task]:
        """Waits until a batch is full or times out; returns no tasks once this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            if self._tasks:
                end = self._tasks[0].arrival + self._timeout
                left = max(0.0, end - time.monotonic())
                self._changed.wait_for(lambda: self._closed or self._is_full(), left)
            batch, size = [], 0
            while self._tasks and size + self._tasks[0].size <= self._max_size:
                batch.append(self._tasks.popleft())
                size += batch[-1].size
            return batch

    def _is_full(self) -> bool:
        return sum(task.size for task in self._tasks) >= self._max_size

    def _process(self, batch: list[Task]) -> None:
        sizes = [task.size for task in batch]
        try:
            outputs = self._run(join([task.inputs for task in batch], self._pad))
            parts = {name: np.split(x, np.cumsum(sizes)[:-1]) for name, x in outputs.items()}
        except Exception as error:  # every request of the batch fails with it
            for task in batch:
                task.outputs.set_exception(error)
            return
        for index, task in enumerate(batch):
            task.outputs.set_result({name: part[index] for name, part in parts.items()})


def join(requests: list[Tensors], pad: bool) -> Tensors:
    """Concatenates the inputs of several requests.

    Raises:
        StatusError: if shapes differ from dimension 1 on, and `pad` is False.
    """
    joined = {}
    for name in requests[0]:
        tensors = [request[name] for request in requests]
        shape = np.max([tensor.shape[1:] for tensor in tensors], axis=0)
        if not pad and any(tensor.shape[1:] != tuple(shape) for tensor in tensors):
            raise _unequal(name)
        joined[name] = np.concatenate([_padded(tensor, shape) for tensor in tensors])
    return joined


def _padded(tensor: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Pads with the first element of the whole tensor, as batching/batching_util.cc does."""
    missing = shape - tensor.shape[1:]
    if not missing.any():
        return tensor
    if not tensor.size:
        raise invalid_argument("Got empty tensor in batch of non-empty tensors.")
    padded = np.full((len(tensor), *shape), tensor.flat[0], tensor.dtype)
    padded[tuple(slice(size) for size in tensor.shape)] = tensor
    return padded


def _unequal(name: str) -> StatusError:
    return failed_precondition(
        f"Tensors with name '{name}' from different tasks have different shapes and padding is "
        "turned off.Set pad_variable_length_inputs to true, or ensure that all tensors with the "
        "same namehave equal dimensions starting with the first dim."
    )
