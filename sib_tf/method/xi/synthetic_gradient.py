"""What every xi for classification has in common."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from sib_tf.method.xi.context import Context


class SyntheticGradient(keras.layers.Layer):
    """xi: a guess of dL/dlogits from the logits of an episode and their context.

    A new one subclasses this, is registered with Keras, and gets a name in `registry.XI`. Hidden
    units should be normalised with the statistics of the *present* queries of one episode, in
    training and at test alike, so that an answer never depends on what else was in the batch.

    Attributes:
        title: name in reports, tables and model cards.
        any_way: whether one network serves any number of classes, in any order.
        on_support: whether the gradient is taken on the support, too: `call` then gets the logits
            of the queries and behind them those of the support, [B, Q + S, N].

    Args:
        way: N, classes of an episode; None if it varies, which needs `any_way`.
        hidden: units of the hidden layers; None: the network's default.
    """

    title: ClassVar[str]
    any_way: ClassVar[bool] = False
    on_support: ClassVar[bool] = False

    def __init__(self, way: int | None = None, hidden: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.way = way
        self.hidden = hidden

    def call(self, logits: tf.Tensor, context: Context) -> tf.Tensor:
        """The synthetic gradient.

        Args:
            logits: float [B, Q, N].
            context: what else is known of the episodes, the same in all steps.

        Returns:
            float [B, Q, N]; 0 for a query or class that is not there.
        """
        raise NotImplementedError

    @classmethod
    def limits(cls, way: int) -> tuple[str, ...]:
        """What a model card should say of the limits of this network, a sentence each.

        Args:
            way: N that the model was trained with.
        """
        del way
        return ()

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "way": self.way, "hidden": self.hidden}
