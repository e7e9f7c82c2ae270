"""Milliseconds of a meta-training step of the paper's network in PyTorch, one step at a time.

    .venv/bin/python -m pip install torch
    .venv/bin/python -m benchmarks.pytorch_head

The baseline of `benchmarks.meta_training`: the same step on the same sizes, computed eagerly as in
the released code, on one episode that is already in memory. Run it on an idle machine.
"""

import statistics
import time
from collections.abc import Sequence

import torch
from absl import app, flags
from torch.nn import functional

_RUNS = flags.DEFINE_integer("runs", 7, "Timed runs, after an untimed one.", 1)
_STEPS = flags.DEFINE_integer("steps", 200, "Steps of a run.", 1)
_DIMS = flags.DEFINE_multi_integer("dim", [256, 640], "Feature sizes D.")
_WAY, _QUERIES, _NUM_STEPS = 5, 75, 3


class Head(torch.nn.Module):
    """lambda, xi and the cosine decoder on one episode, K = 3 steps of size 1e-3."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = 8 * _WAY
        self.diagonal = torch.nn.Parameter(torch.ones(dim))
        self.scale = torch.nn.Parameter(torch.tensor(10.0))
        self.bias = torch.nn.Parameter(torch.tensor(0.0))
        self.xi = torch.nn.Sequential(
            torch.nn.Linear(_WAY, hidden),
            torch.nn.ReLU(),
            torch.nn.BatchNorm1d(hidden),
            torch.nn.Linear(hidden, hidden),
            torch.nn.ReLU(),
            torch.nn.BatchNorm1d(hidden),
            torch.nn.Linear(hidden, _WAY),
        )

    def forward(
        self, support: torch.Tensor, members: torch.Tensor, query: torch.Tensor
    ) -> torch.Tensor:
        """Maps support [S, D], its one-hot labels [S, N] and query [Q, D] to logits [Q, N]."""
        means = members.T @ functional.normalize(support, dim=-1) / members.sum(0)[:, None]
        theta = self.diagonal * means
        for _ in range(_NUM_STEPS):
            logits = self._classify(query, theta)
            (gradient,) = torch.autograd.grad(
                logits, theta, grad_outputs=self.xi(logits), create_graph=True
            )
            theta = theta - 1e-3 * gradient
        return self._classify(query, theta)

    def _classify(self, query: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        cosine = functional.normalize(query, dim=-1) @ functional.normalize(theta, dim=-1).T
        return self.scale * (cosine + self.bias)


def seconds_per_step(dim: int) -> list[float]:
    """Seconds per training step of each timed run."""
    head = Head(dim)
    optimizer = torch.optim.SGD(
        head.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    support, members = torch.randn(_WAY, dim), torch.eye(_WAY)
    query, labels = torch.randn(_QUERIES, dim), torch.arange(_QUERIES) % _WAY
    times = []
    for _ in range(_RUNS.value + 1):
        start = time.perf_counter()
        for _ in range(_STEPS.value):
            loss = functional.cross_entropy(head(support, members, query), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        times.append((time.perf_counter() - start) / _STEPS.value)
    return times[1:]


def main(argv: Sequence[str]) -> None:
    """Prints a line for each feature size."""
    del argv
    for dim in _DIMS.value:
        times = [1e3 * t for t in seconds_per_step(dim)]
        print(
            f"D = {dim}: {statistics.median(times):.3f} ms a step "
            f"(min {min(times):.3f}, max {max(times):.3f}, {len(times)} runs)"
        )


if __name__ == "__main__":
    app.run(main)
