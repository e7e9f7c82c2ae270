"""Which queries of an episode are alike, whatever the task makes of them."""

import tensorflow as tf

from sib_tf.method.presence import masked_mean

# Of 5, 10 and 20 the best on the validation classes of CIFAR-FS.
SHARPNESS = 10.0

MOST_KEPT = 2000  # queries whose neighbours are kept
BLOCK = 500  # queries whose neighbours are looked at together if there are more

# In place of a cosine: a query that is alone finds itself sooner than padding.
_ITSELF, _PADDING = -1e8, -1e9


class Neighbors:
    """How much each other query of an episode counts as a neighbour of a query.

        weights[q, r] = softmax over r != q of SHARPNESS * cos(f_q - m, f_r - m)

    with unit features f and their mean m over the episode, which all images share. Rows sum to 1,
    and a query is a neighbour of itself only if it is alone. Not in the paper, whose xi sees
    predictions alone.

    Of up to `MOST_KEPT` queries the weights are computed once, and kept for all steps. Of more, and
    where Q is not known but may be large, each step computes them anew, `BLOCK` rows at a time, so
    that memory grows with Q and not with its square (unless a tape records the steps). These rows
    are float32, whatever the features are, which takes half the time: of so many queries no single
    one counts for much.

    Args:
        queries: float [B, Q, D], not all zero.
        mask: bool [B, Q], False where a query is padding, which counts for none; None if all count.
        many: whether Q, where it is not known, may be more than `MOST_KEPT`.
    """

    def __init__(
        self, queries: tf.Tensor, mask: tf.Tensor | None = None, *, many: bool = False
    ) -> None:
        present = None if mask is None else mask[..., tf.newaxis]
        unit = tf.math.l2_normalize(queries, axis=-1)
        self._centred = tf.math.l2_normalize(unit - masked_mean(unit, 1, present), axis=-1)
        self._mask = mask
        self._known = self._centred.shape[1]
        few = self._known <= MOST_KEPT if self._known else not many
        self._kept = self._weights() if few else None

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """Mean of `values`, float [B, Q, N], over the neighbours of each query: float [B, Q, N]."""
        if self._kept is not None:
            return tf.matmul(self._kept, values)
        if self._known:
            return self._mean_by_blocks(values)
        return tf.cond(
            self._count() > MOST_KEPT,
            lambda: self._mean_by_blocks(values),
            lambda: tf.matmul(self._weights(), values),
        )

    def _count(self) -> tf.Tensor | int:
        return self._known or tf.shape(self._centred)[1]

    def _weights(self) -> tf.Tensor:
        return _rows(self._centred, self._mask, tf.range(self._count()))

    def _mean_by_blocks(self, values: tf.Tensor) -> tf.Tensor:
        count = self._count()
        starts = tf.range(0, count, BLOCK)
        centred, single = (tf.cast(x, tf.float32) for x in (self._centred, values))

        def of_block(start: tf.Tensor) -> tf.Tensor:
            # Beyond the end the last query is repeated, so that all blocks have the same size.
            rows = tf.minimum(start + tf.range(BLOCK), count - 1)
            return tf.matmul(_rows(centred, self._mask, rows), single)

        # [Q / BLOCK, B, BLOCK, N]; one after the other, since each block takes memory.
        blocks = tf.map_fn(of_block, starts, fn_output_signature=tf.float32, parallel_iterations=1)
        batch, way = tf.shape(values)[0], tf.shape(values)[2]
        means = tf.reshape(tf.transpose(blocks, [1, 0, 2, 3]), [batch, -1, way])[:, :count]
        return tf.cast(means, values.dtype)


def _rows(centred: tf.Tensor, mask: tf.Tensor | None, rows: tf.Tensor) -> tf.Tensor:
    """Some rows of the weights, float [B, R, Q].

    Args:
        centred: unit vectors, float [B, Q, D].
        mask: bool [B, Q], see `Neighbors`.
        rows: numbers of the rows, int32 [R].
    """
    cosines = tf.matmul(tf.gather(centred, rows, axis=1), centred, transpose_b=True)
    if mask is not None:
        cosines = tf.where(mask[:, tf.newaxis], cosines, _PADDING)
    itself = rows[:, tf.newaxis] == tf.range(tf.shape(centred)[1])
    return tf.nn.softmax(SHARPNESS * tf.where(itself, tf.cast(_ITSELF, cosines.dtype), cosines))
