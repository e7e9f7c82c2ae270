"""Few-shot classification: lambda, xi and a cosine decoder around `inference.unroll`."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.decoders import CosineClassifier
from sib_tf.method.inference import unroll
from sib_tf.method.initializations.registry import INITIALIZATIONS
from sib_tf.method.presence import ABSENT
from sib_tf.method.xi.context import Context
from sib_tf.method.xi.registry import XI

Inputs = Mapping[str, tf.Tensor]


@keras.saving.register_keras_serializable("sib_tf")
class FewShotClassifier(keras.Model):
    """Classifies the queries of an episode from frozen features.

        model({"support_features": [B, S, D], "support_labels": int [B, S],
               "query_features": [B, Q, D]})  ->  logits of the queries, [B, Q, N]

    B, S and Q are free from call to call, and classes may have different numbers of support
    examples. Nothing crosses from one episode of a batch to another, and query labels are no
    input: they meet the model in the training loss only.

    Episodes of different sizes fill up to those of the largest: a negative support label marks
    padding, and so does False in a fourth input, "query_mask": bool [B, Q], where it is given. Such
    a query takes no part in the steps. Its own logits are those that the others lead to.

    Where N varies, a fifth input "class_mask", bool [B, N], says which classes are there, those
    with support, and tells N by its shape, so that XLA can compile the model.

    Args:
        way: N, number of classes, all with support in all episodes. None lets a set-wise model take
            N from "class_mask" or the largest support label of the batch: a class without support
            in its episode takes no part there and gets probability 0, so that episodes may differ
            in their classes.
        feature_dim: D, number of features. None: any, from call to call, which needs a lambda
            without a weight for each feature.
        num_steps: K, number of synthetic-gradient steps.
        step_size: eta, size of a step, which sums over queries.
        synthetic_gradient: name of xi in `XI`: "dense" (the paper's network), "set" (any number of
            classes), "general" (any size of episodes), or one that was added there.
        hidden: units of the hidden layers of xi; None: the network's default.
        initialization: name of lambda in `INITIALIZATIONS`.
        many_queries: whether Q may be large where it is not known when the model is traced. Memory
            is then bounded, but XLA cannot differentiate the steps.
        dtype: Keras dtype or policy of weights and computation.

    Raises:
        UserError: if the name is unknown: `synthetic_gradient` or `initialization`.
        ValueError: if `way` is None and xi needs a fixed number of classes, or `feature_dim` is
            None and lambda needs a fixed number of features.
    """

    def __init__(
        self,
        way: int | None,
        feature_dim: int | None,
        num_steps: int = 3,
        step_size: float = 1e-3,
        synthetic_gradient: str = "dense",
        hidden: int | None = None,
        initialization: str = "prototypes",
        many_queries: bool = False,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would turn the integer support labels into floats.
        super().__init__(dtype=dtype, autocast=False, **kwargs)
        self.way = way
        self.feature_dim = feature_dim
        self.num_steps = num_steps
        self.step_size = step_size
        self.synthetic_gradient = synthetic_gradient
        self.hidden = hidden
        self.initialization_name = initialization
        self.many_queries = many_queries
        self.initialization = INITIALIZATIONS[initialization](dtype=self.dtype_policy)
        self.decoder = CosineClassifier(dtype=self.dtype_policy)
        self.xi = XI[synthetic_gradient](way, hidden, dtype=self.dtype_policy)
        self.initialization.build((None, None, feature_dim))
        self.decoder.build((None, None, feature_dim))
        self.xi.build((None, None, way))
        self.built = True

    def call(self, inputs: Inputs) -> tf.Tensor:
        """Logits of the queries after K synthetic-gradient steps, float [B, Q, N]."""
        theta = self.theta_path(inputs, self.num_steps)[-1]
        return self.classify(inputs, theta)

    def query_loss(self) -> keras.losses.Loss:
        """What meta-training minimises: the mean cross-entropy of the queries, in nats."""
        # Where episodes differ in size, the queries that are there have weight 1, all others 0.
        reduction = "sum_over_batch_size" if self.way is not None else "mean_with_sample_weight"
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)

    def query_metrics(self) -> list[str]:
        """What meta-training reports besides."""
        return ["accuracy"]

    def logits_path(self, inputs: Inputs, num_steps: int | None = None) -> tf.Tensor:
        """Logits after 0 .. K steps, float [K+1, B, Q, N]; K is `num_steps` or the model's."""
        path = self.theta_path(inputs, self.num_steps if num_steps is None else num_steps)
        return tf.stack([self.classify(inputs, theta) for theta in path])

    def theta_path(self, inputs: Inputs, num_steps: int) -> list[tf.Tensor]:
        """The task weights theta^0 .. theta^K, each float [B, N, D].

        Raises:
            ValueError: if an input is missing or has the wrong rank, feature size or dtype, or if
                two differ in B or S, as far as shapes are known.
            tf.errors.InvalidArgumentError: if a support label is `way` or more; not under XLA,
                which leaves assertions out.
        """
        self._check(inputs)
        queries = self._queries(inputs)
        support = tf.cast(inputs["support_features"], self.compute_dtype)
        labels = _support_labels(inputs)
        if self.way is not None:
            tf.debugging.assert_less(
                labels, self.way, "support_labels must be less than the number of classes."
            )
        context = Context(
            queries,
            inputs.get("query_mask"),
            self._present(inputs),
            labels,
            many_queries=self.many_queries,
        )
        examples = tf.concat([queries, support], axis=1) if self.xi.on_support else queries
        return unroll(
            self.initialization(support, labels, way=self._num_classes(inputs)),
            predict=lambda theta: self.decoder(examples, theta),
            synthetic_gradient=partial(self.xi, context=context),
            step_size=self.step_size,
            num_steps=num_steps,
        )

    def classify(self, inputs: Inputs, theta: tf.Tensor) -> tf.Tensor:
        """Logits of the queries, float [B, Q, N], from task weights theta [B, N, D]."""
        logits = self.decoder(self._queries(inputs), theta)
        present = self._present(inputs)
        return logits if present is None else tf.where(present, logits, ABSENT)

    def _num_classes(self, inputs: Inputs) -> tf.Tensor | int:
        if self.way is not None:
            return self.way
        if "class_mask" in inputs:
            return tf.shape(inputs["class_mask"])[1]
        return tf.reduce_max(_support_labels(inputs)) + 1

    def _present(self, inputs: Inputs) -> tf.Tensor | None:
        """Which classes have support, bool [B, 1, N]; None, with a fixed N, if all have."""
        if self.way is not None:
            return None
        if "class_mask" in inputs:
            return inputs["class_mask"][:, tf.newaxis]
        labels, way = _support_labels(inputs), self._num_classes(inputs)
        members = tf.one_hot(labels, way, on_value=True, off_value=False, dtype=tf.bool)
        return tf.reduce_any(members, axis=1, keepdims=True)

    def _queries(self, inputs: Inputs) -> tf.Tensor:
        return tf.cast(inputs["query_features"], self.compute_dtype)

    def _check(self, inputs: Inputs) -> None:
        ranks = {"support_features": 3, "support_labels": 2, "query_features": 3}
        ranks |= {name: 2 for name in ("query_mask", "class_mask") if name in inputs}
        for name, rank in ranks.items():
            if name not in inputs:
                raise ValueError(f"{name} is missing: got {sorted(inputs)}.")
            shape = inputs[name].shape
            if len(shape) != rank:
                raise ValueError(f"{name} must have rank {rank}, got shape {tuple(shape)}.")
            if rank == 3 and len({self.feature_dim, shape[-1]} - {None}) > 1:
                raise ValueError(
                    f"{name} must end in {self.feature_dim} features, got shape {tuple(shape)}."
                )
        _refuse_unequal(inputs, 0, "support_features", "query_features")
        _refuse_unequal(inputs, 0, "support_features", "support_labels")
        _refuse_unequal(inputs, 1, "support_features", "support_labels")
        _refuse_unequal(inputs, 2, "support_features", "query_features")
        if "query_mask" in inputs:
            _refuse_unequal(inputs, 0, "query_features", "query_mask")
            _refuse_unequal(inputs, 1, "query_features", "query_mask")
        dtype = tf.as_dtype(inputs["support_labels"].dtype)
        if not dtype.is_integer:
            raise ValueError(f"support_labels must be integers, got {dtype.name}.")

    def for_any_way(self) -> "FewShotClassifier":
        """A copy that takes the number of classes from the support labels of each call.

        Only a set-wise model can. XLA can compile the copy where "class_mask" is among the inputs;
        otherwise a shape depends on data.
        """
        return self._copy(way=None)

    def for_serving(self) -> "FewShotClassifier":
        """A copy that computes in double precision, and for any number of queries.

        Of few queries the network normalises few numbers, which amplifies rounding: in float32 the
        probabilities of two queries are right to 1e-4 only.
        """
        return self._copy(dtype="float64", many_queries=True)

    def _copy(self, **changes: Any) -> "FewShotClassifier":
        """The same weights with other arguments of the constructor."""
        copy = self.from_config({**self.get_config(), **changes})
        copy.set_weights(self.get_weights())
        return copy

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "way": self.way,
            "feature_dim": self.feature_dim,
            "num_steps": self.num_steps,
            "step_size": self.step_size,
            "synthetic_gradient": self.synthetic_gradient,
            "hidden": self.hidden,
            "initialization": self.initialization_name,
            "many_queries": self.many_queries,
        }


def _support_labels(inputs: Inputs) -> tf.Tensor:
    return tf.cast(inputs["support_labels"], tf.int32)


def _refuse_unequal(inputs: Inputs, axis: int, one: str, other: str) -> None:
    """Raises ValueError if two inputs differ in the size of an axis, where both are known."""
    shapes = [tuple(inputs[name].shape) for name in (one, other)]
    if len({shape[axis] for shape in shapes} - {None}) > 1:
        raise ValueError(
            f"{one} and {other} must be equal in axis {axis}, got shapes {shapes[0]} and "
            f"{shapes[1]}."
        )
