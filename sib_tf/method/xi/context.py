"""What xi may know of episodes besides the logits, the same in all steps."""

import dataclasses
from functools import cached_property

import tensorflow as tf

from sib_tf.method.xi.neighbors import Neighbors


@dataclasses.dataclass(frozen=True, eq=False)
class Context:
    """The queries of a batch of episodes, and which examples and classes are there.

    Attributes:
        queries: features of the queries, float [B, Q, D].
        query_mask: bool [B, Q], False for padding; None if all queries are there.
        class_mask: bool [B, 1, N], False for a class without support; None if all have some.
        support_labels: int [B, S], 0 .. N-1, negative for padding; None if xi does not see them.
        many_queries: whether Q, where it is not known, may be large; see `Neighbors`.
    """

    queries: tf.Tensor
    query_mask: tf.Tensor | None = None
    class_mask: tf.Tensor | None = None
    support_labels: tf.Tensor | None = None
    many_queries: bool = False

    @property
    def pair_mask(self) -> tf.Tensor | None:
        """Which (query, class) pairs are there: bool [B, Q, N] or sizes of 1, None if all are."""
        if self.query_mask is None:
            return self.class_mask
        rows = self.query_mask[..., tf.newaxis]
        return rows if self.class_mask is None else rows & self.class_mask

    @property
    def num_queries(self) -> tf.Tensor:
        """Q of each episode without its padding, but at least 1, float [B]."""
        if self.query_mask is None:
            return self._of_each(tf.shape(self.queries)[1])
        return tf.maximum(self._number(self.query_mask), 1)

    @property
    def num_support(self) -> tf.Tensor:
        """S of each episode without its padding, float [B]."""
        return self._number(self.support_labels >= 0)

    def num_classes(self, way: tf.Tensor) -> tf.Tensor:
        """N of each episode, float [B]; `way` is the number of logits, some of absent classes."""
        if self.class_mask is None:
            return self._of_each(way)
        return self._number(self.class_mask[:, 0])

    def _of_each(self, number: tf.Tensor) -> tf.Tensor:
        return tf.fill(tf.shape(self.queries)[:1], tf.cast(number, self.queries.dtype))

    def _number(self, there: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.cast(there, self.queries.dtype), axis=1)

    @cached_property
    def neighbors(self) -> Neighbors:
        """Which queries are alike."""
        return Neighbors(self.queries, self.query_mask, many=self.many_queries)
