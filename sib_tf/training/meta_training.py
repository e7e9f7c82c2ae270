"""Meta-training: Keras' `fit` over episodes, whatever the task."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, positive
from sib_tf.training.callbacks.divergence import StopIfDiverged
from sib_tf.training.callbacks.epoch_log import LogEpochs
from sib_tf.training.callbacks.resuming import Resume
from sib_tf.training.optimizers import OPTIMIZERS

MODEL = "model.keras"
CURVES = "curves.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How a task model is meta-trained; what every section `config.meta` has.

    Attributes:
        steps: gradient steps in all, a multiple of `steps_per_epoch`.
        episodes_per_step: B, episodes of a step.
        steps_per_call: consecutive steps that run as one XLA program.
        steps_per_epoch: steps between two validations and checkpoints, a multiple of
            `steps_per_call`.
        learning_rate: rate of meta-training at first, then a cosine down to 0 (eta, the step size
            within a task, is the model's).
        l2: weight decay, with "sgd" as an L2 term in the gradient.
        optimizer: name in `OPTIMIZERS`: "sgd", with Nesterov momentum as in the paper, or "adam".
        clip_norm: norm of all gradients together above which they are scaled down to it; None:
            whatever it is.

    Raises:
        UserError: if a number is out of range, or not a multiple of what it should be.
    """

    steps: int
    learning_rate: float
    l2: float
    optimizer: str = "sgd"
    clip_norm: float | None = None
    episodes_per_step: int = 1
    steps_per_call: int = 100
    steps_per_epoch: int = 1000

    def __post_init__(self) -> None:
        at_least(
            1,
            steps=self.steps,
            episodes_per_step=self.episodes_per_step,
            steps_per_call=self.steps_per_call,
            steps_per_epoch=self.steps_per_epoch,
        )
        at_least(0, l2=self.l2)
        positive(learning_rate=self.learning_rate)
        OPTIMIZERS[self.optimizer]
        if self.clip_norm is not None:
            positive(clip_norm=self.clip_norm)
        for field, unit in (("steps", "steps_per_epoch"), ("steps_per_epoch", "steps_per_call")):
            whole, part = getattr(self, field), getattr(self, unit)
            if whole % part:
                raise UserError(f"{field}={whole} must be a multiple of {unit}={part}.")

    @property
    def epochs(self) -> int:
        """How often the model is validated."""
        return self.steps // self.steps_per_epoch


@keras.saving.register_keras_serializable("sib_tf")
class StepsInOneProgram(keras.Model):
    """Trains a task model by several consecutive steps in one call, hence one XLA program.

    A step on one small episode takes less time than it takes to dispatch it; Keras'
    `steps_per_execution` still dispatches each step by itself, which costs twice as much.

    A training batch has a leading axis of T steps: [T, B, ...]. Validation and prediction are those
    of the task model, on [B, ...].

    Args:
        task: the model to train; it shares its weights with this one.
    """

    def __init__(self, task: keras.Model, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.task = task
        self.built = True

    def call(self, inputs: Any) -> tf.Tensor:
        """What the task model predicts."""
        return self.task(inputs)

    def train_step(self, data: tuple[Any, tf.Tensor]) -> dict[str, tf.Tensor]:
        """T ordinary Keras training steps on (inputs, labels), inputs as the task model's."""
        one_step = super().train_step

        def body(step: tf.Tensor) -> tuple[tf.Tensor]:
            one_step(tf.nest.map_structure(lambda batches: batches[step], data))
            return (step + 1,)

        num_steps = tf.shape(data[1])[0]
        tf.while_loop(lambda step: step < num_steps, body, (tf.constant(0),))
        return self.get_metrics_result()

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "task": keras.saving.serialize_keras_object(self.task)}

    @classmethod
    def from_config(cls, config: dict) -> "StepsInOneProgram":
        """A fresh model; called by Keras when it loads one."""
        return cls(**{**config, "task": keras.saving.deserialize_keras_object(config["task"])})


def compiled(model: keras.Model, settings: Settings) -> StepsInOneProgram:
    """A task model with its loss and the optimizer of meta-training, ready for `fit`."""
    trainer = StepsInOneProgram(model)
    trainer.compile(
        optimizer=OPTIMIZERS[settings.optimizer](
            keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps),
            l2=settings.l2,
            global_clipnorm=settings.clip_norm,
        ),
        loss=model.query_loss(),
        weighted_metrics=model.query_metrics(),
        jit_compile=True,
    )
    return trainer


def train(
    folder: Path,
    model: keras.Model,
    settings: Settings,
    *,
    batches: Callable[[int], tf.data.Dataset],
    validation: tf.data.Dataset | None = None,
    epochs: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, float]:
    """Meta-trains a model on episodes and saves it.

    Args:
        folder: folder that gets `model.keras`, `curves.json`, TensorBoard summaries and
            checkpoints.
        model: task model, freshly made under the seed.
        settings: number of steps, learning rate and the like.
        batches: callable: first step -> data set of runs of steps that starts there, (inputs,
            labels) with the axes [T, B, ...].
        validation: batches (inputs, labels), evaluated after every epoch.
        epochs: number of epochs to stop after, with the learning rate where it is then; defaults to
            all of them.
        callbacks: callbacks that add more metrics to the `logs` of an epoch.

    Returns:
        `steps` and the metrics of the last epoch.
    """
    trainer = compiled(model, settings)
    resume = Resume(folder / "checkpoints")
    epoch = resume.restore(trainer)
    trainer.fit(
        batches(epoch * settings.steps_per_epoch),
        epochs=settings.epochs if epochs is None else epochs,
        initial_epoch=epoch,
        steps_per_epoch=settings.steps_per_epoch // settings.steps_per_call,
        validation_data=validation,
        shuffle=False,  # Keras cannot and would warn; `batches` says what comes when
        verbose=int(sys.stdout.isatty()),
        callbacks=[
            *callbacks,
            StopIfDiverged("meta.learning_rate", "meta.step_size"),
            keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
            LogEpochs(),
            resume,
        ],
    )
    model.save(folder / MODEL)
    write_json(folder / CURVES, resume.curves())
    metrics = {name: value for name, value in resume.history[-1].items() if name != "epoch"}
    return {"steps": len(resume.history) * settings.steps_per_epoch, **metrics}
