"""What xi may know of episodes besides the logits, the same in all steps."""

import dataclasses
from functools import cached_property

import tensorflow as tf

from sib_tf.method.xi.neighbors import neighbor_weights


@dataclasses.dataclass(frozen=True, eq=False)
class Context:
    """The queries of a batch of episodes, and which examples and classes are there.

    Attributes:
        queries: features of the queries, float [B, Q, D].
        query_mask: bool [B, Q], False for padding; None if all queries are there.
        class_mask: bool [B, 1, N], False for a class without support; None if all have some.
        support_labels: int [B, S], 0 .. N-1, negative for padding; None if xi does not see them.
    """

    queries: tf.Tensor
    query_mask: tf.Tensor | None = None
    class_mask: tf.Tensor | None = None
    support_labels: tf.Tensor | None = None

    @property
    def pair_mask(self) -> tf.Tensor | None:
        """Which (query, class) pairs are there: bool [B, Q, N] or sizes of 1, None if all are."""
        if self.query_mask is None:
            return self.class_mask
        rows = self.query_mask[..., tf.newaxis]
        return rows if self.class_mask is None else rows & self.class_mask

    @cached_property
    def neighbors(self) -> tf.Tensor:
        """How much each query counts as a neighbour of each: float [B, Q, Q], rows sum to 1."""
        return neighbor_weights(self.queries, self.query_mask)
