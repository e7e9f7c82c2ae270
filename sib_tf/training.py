"""Meta-training: Keras' `fit` over episodes of frozen features."""

import dataclasses
from pathlib import Path

import keras
import tensorflow as tf

from sib_tf.episodes.reader import EpisodeTable
from sib_tf.errors import UserError
from sib_tf.features import FeatureTable
from sib_tf.input_pipeline import function_of_step
from sib_tf.optimizers import SGDWithL2
from sib_tf.resuming import Resume
from sib_tf.tasks.few_shot import FewShotClassifier
from sib_tf.workdir import write_json

MODEL = "model.keras"
CURVES = "curves.json"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a task model is meta-trained.

    Attributes:
        steps: gradient steps in all, a multiple of `steps_per_epoch`.
        episodes_per_step: B, episodes a step.
        steps_per_call: consecutive steps that run as one XLA program.
        steps_per_epoch: steps between two validations and checkpoints, a multiple of
            `steps_per_call`.
        learning_rate: of meta-training (eta, the step size within a task, is the model's).
        l2: weight decay as an L2 term in the gradient.
        seed: of weights and views.
    """

    steps: int
    learning_rate: float
    l2: float
    seed: int
    episodes_per_step: int = 1
    steps_per_call: int = 100
    steps_per_epoch: int = 1000

    def __post_init__(self) -> None:
        for field, unit in (("steps", "steps_per_epoch"), ("steps_per_epoch", "steps_per_call")):
            whole, part = getattr(self, field), getattr(self, unit)
            if whole < 1 or whole % part:
                name = "train_steps" if field == "steps" else field
                raise UserError(
                    f"config.{name}={whole} must be a multiple of config.{unit}={part}."
                )


class StepsInOneProgram(keras.Model):
    """Trains a task model by several consecutive steps in one call, hence one XLA program.

    A step on one small episode takes less time than it takes to dispatch it; Keras'
    `steps_per_execution` still dispatches each step by itself, which costs twice as much.

    A training batch has a leading axis of T steps: [T, B, ...]. Validation and prediction are those
    of the task model, on [B, ...].

    Args:
        task: the model to train; it shares its weights with this one.
    """

    def __init__(self, task: keras.Model) -> None:
        super().__init__(autocast=False)
        self.task = task

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """What the task model predicts."""
        return self.task(inputs)

    def train_step(self, data: tuple[dict[str, tf.Tensor], tf.Tensor]) -> dict[str, tf.Tensor]:
        """T ordinary Keras training steps."""
        one_step = super().train_step

        def body(step: tf.Tensor) -> tuple[tf.Tensor]:
            one_step(tf.nest.map_structure(lambda batches: batches[step], data))
            return (step + 1,)

        num_steps = tf.shape(data[1])[0]
        tf.while_loop(lambda step: step < num_steps, body, (tf.constant(0),))
        return self.get_metrics_result()


def train(
    folder: Path,
    model: FewShotClassifier,
    settings: Settings,
    *,
    features: FeatureTable,
    episodes: EpisodeTable,
    validation: tuple[FeatureTable, EpisodeTable],
) -> dict[str, float]:
    """Meta-trains a model on episodes, in their order and over again, and saves it.

    Args:
        folder: gets `model.keras`, `curves.json`, TensorBoard summaries and checkpoints.
        model: to train, freshly made under the seed.
        settings: how.
        features: of the training split, V views.
        episodes: of the training split.
        validation: features and episodes of the validation split, evaluated after every epoch.

    Returns:
        `steps` and the last `val_accuracy`.
    """
    trainer = StepsInOneProgram(model)
    trainer.compile(
        optimizer=SGDWithL2(settings.learning_rate, l2=settings.l2),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=True,
    )
    resume = Resume(folder / "checkpoints")
    epoch = resume.restore(trainer)
    trainer.fit(
        training_batches(features, episodes, settings, first_step=epoch * settings.steps_per_epoch),
        epochs=settings.steps // settings.steps_per_epoch,
        initial_epoch=epoch,
        steps_per_epoch=settings.steps_per_epoch // settings.steps_per_call,
        validation_data=episode_batches(*validation, batch_size=100),
        callbacks=[keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False), resume],
    )
    model.save(folder / MODEL)
    write_json(folder / CURVES, resume.curves())
    return {"steps": settings.steps, "val_accuracy": resume.history[-1]["val_accuracy"]}


def training_batches(
    features: FeatureTable, episodes: EpisodeTable, settings: Settings, first_step: int = 0
) -> tf.data.Dataset:
    """Endless runs of T steps of B episodes: (inputs, query_labels), axes [T, B, ...].

    Each use of an image draws one of its V views. A run is a function of the seed and its first
    step alone. Inputs are those of `FewShotClassifier`; query labels are int32 [T, B, Q].
    """
    views, images, dim = features.features.shape
    rows = tf.constant(features.features.reshape(views * images, dim))
    support, query = tf.constant(episodes.support_ids), tf.constant(episodes.query_ids)
    support_labels = tf.constant(episodes.support_labels)
    query_labels = tf.constant(episodes.query_labels)
    shape = (settings.steps_per_call, settings.episodes_per_step)
    episodes_of_run = shape[0] * shape[1]

    def run(index: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        first = index * episodes_of_run
        chosen = (first + tf.range(episodes_of_run, dtype=tf.int64)) % len(episodes)
        chosen = tf.reshape(chosen, shape)

        def draw_views(ids: tf.Tensor, part: int) -> tf.Tensor:
            ids = tf.gather(ids, chosen)
            seed = tf.stack([settings.seed, 2 * index + part])
            view = tf.random.stateless_uniform(ids.shape, seed, maxval=views, dtype=tf.int32)
            return tf.gather(rows, view * images + ids)

        inputs = {
            "support_features": draw_views(support, 0),
            "support_labels": tf.gather(support_labels, chosen),
            "query_features": draw_views(query, 1),
        }
        return inputs, tf.gather(query_labels, chosen)

    return function_of_step(run, first=first_step // settings.steps_per_call, parallel=1)


def episode_batches(
    features: FeatureTable, episodes: EpisodeTable, batch_size: int
) -> tf.data.Dataset:
    """All episodes once, in their order, on the first view of each image.

    Returns:
        A data set of (inputs of `FewShotClassifier`, query_labels int32 [B, Q]).
    """
    rows = tf.constant(features.features[0])

    def lookup(
        support: tf.Tensor, support_labels: tf.Tensor, query: tf.Tensor, query_labels: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        inputs = {
            "support_features": tf.gather(rows, support),
            "support_labels": support_labels,
            "query_features": tf.gather(rows, query),
        }
        return inputs, query_labels

    table = (
        episodes.support_ids,
        episodes.support_labels,
        episodes.query_ids,
        episodes.query_labels,
    )
    return tf.data.Dataset.from_tensor_slices(table).batch(batch_size).map(lookup)
