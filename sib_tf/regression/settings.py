"""Sections of a config of the zero-shot regression."""

import dataclasses

from sib_tf.base.ranges import at_least, finite, positive
from sib_tf.regression import tasks
from sib_tf.regression.tasks import LineFamily, Lines
from sib_tf.training import meta_training


@dataclasses.dataclass(frozen=True)
class TaskSettings(LineFamily):
    """Section `config.tasks`: the constants of the tasks, see `LineFamily`, and their numbers.

    Attributes:
        test_mu: mu of the unseen tasks.
        train: number of training tasks.
        test: number of unseen tasks.

    Raises:
        UserError: if a number is out of range.
    """

    test_mu: float = 0.0
    train: int = 240
    test: int = 240

    def __post_init__(self) -> None:
        super().__post_init__()
        finite(test_mu=self.test_mu)
        at_least(1, train=self.train, test=self.test)

    def draw(self, seed: int) -> dict[str, Lines]:
        """The tasks of the splits "train" and "test", other ones for each."""
        constants = [field.name for field in dataclasses.fields(LineFamily)]
        family = LineFamily(*(getattr(self, name) for name in constants))
        unseen = dataclasses.replace(family, mu=self.test_mu)
        return {
            "train": tasks.sample(family, seed=seed, stream="train", count=self.train),
            "test": tasks.sample(unseen, seed=seed, stream="test", count=self.test),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetaSettings(meta_training.Settings):
    """Section `config.meta`: the model, and how it is meta-trained.

    Attributes:
        num_steps: K, synthetic-gradient steps, at least 1: without a step xi has no gradient.
        step_size: eta, of the synthetic-gradient steps.

    Raises:
        UserError: if a number is out of range.
    """

    num_steps: int = 3
    step_size: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, num_steps=self.num_steps)
        positive(step_size=self.step_size)


@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """Section `config.eval`: the evaluation on all tasks.

    Attributes:
        num_steps: K up to which the model is evaluated, at least that of its training.

    Raises:
        UserError: if K is negative.
    """

    num_steps: int

    def __post_init__(self) -> None:
        at_least(0, num_steps=self.num_steps)
