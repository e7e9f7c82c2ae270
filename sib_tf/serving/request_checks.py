"""Checks of a request, inside the graph of a served model.

A model server hands on what a client sends without a look at its shape. These functions refuse by
name what would be answered wrongly, or with an error that nobody understands, and return their
inputs in a form that waits for the check.
"""

from collections.abc import Sequence

import tensorflow as tf


def of_shape(name: str, x: tf.Tensor, shape: Sequence[int | None]) -> tf.Tensor:
    """An input that has the shape of the signature and no empty axis.

    Args:
        name: name of the input, for errors.
        x: the input.
        shape: size of each axis, None where it is free.

    Raises:
        tf.errors.InvalidArgumentError: if the input has another shape or an empty axis.
    """
    # An assertion on the shape would go: TensorFlow takes that of the signature for the truth.
    x = tf.ensure_shape(x, shape, name=f"shape_of_{name}")
    with _required(tf.size(x) > 0, f"{name} must have no empty axis, got the shape", tf.shape(x)):
        return tf.identity(x)


def of_equal_size(axis: int, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Inputs that have the same size along an axis.

    Raises:
        tf.errors.InvalidArgumentError: if two inputs differ in that size.
    """
    sizes = tf.stack([tf.shape(x)[axis] for x in inputs.values()])
    words = f"{', '.join(inputs)} must be equal in axis {axis}, got sizes"
    with _required(tf.reduce_all(sizes == sizes[0]), words, sizes):
        return {name: tf.identity(x) for name, x in inputs.items()}


def support_of_every_class(labels: tf.Tensor, way: int | None) -> tf.Tensor:
    """The input support_labels, if every class of every episode has an example.

    Args:
        labels: support labels, int32 [B, S]; a negative one marks padding.
        way: N; None if an episode has the classes from 0 to its largest label.

    Raises:
        tf.errors.InvalidArgumentError: if a class has no example, or a label is too large.
    """
    # With an example for each class there are no more than S. Labels without such a bound could
    # ask for any amount of memory.
    classes = tf.shape(labels)[1] if way is None else way
    bound = "the size of the support set" if way is None else f"{way}, the number of classes"
    largest = tf.reduce_max(labels)
    with _required(largest < classes, f"support_labels must be less than {bound}, got", largest):
        members = tf.one_hot(labels, classes, on_value=True, off_value=False, dtype=tf.bool)
    supported = tf.reduce_sum(tf.cast(tf.reduce_any(members, axis=1), tf.int32), axis=1)
    wanted = tf.maximum(tf.reduce_max(labels, axis=1) + 1, 1) if way is None else way
    names = "0 to the largest label" if way is None else f"0 to {way - 1}"
    words = f"support_labels must name every class from {names} in each episode, got"
    with _required(tf.reduce_all(supported == wanted), words, labels):
        return tf.identity(labels)


def at_most(limit: int, name: str, x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """An input of queries that are no more than the model takes.

    Args:
        limit: most queries of an episode, besides one of padding.
        name: name of the input, for errors.
        x: the input, [B, Q, ...].
        mask: which queries are no padding, bool [B, Q].

    Raises:
        tf.errors.InvalidArgumentError: if an episode has more queries, or as much padding.
    """
    present = tf.reduce_max(tf.reduce_sum(tf.cast(mask, tf.int32), axis=1))
    number = tf.maximum(present, tf.shape(x)[1] - 1)
    words = f"{name} must be no more than {limit} in an episode, the max_queries of the model, got"
    with _required(number <= limit, words, number):
        return tf.identity(x)


def finite(name: str, x: tf.Tensor) -> tf.Tensor:
    """An input of features [..., D] without NaN or infinity, of which squares are finite, too.

    Raises:
        tf.errors.InvalidArgumentError: if the input has such a value, or one too large to be
            squared.
    """
    squares = tf.reduce_sum(tf.square(x), axis=-1)
    words = f"{name} must be finite, and the sum of its squares"
    with tf.control_dependencies([tf.debugging.check_numerics(squares, words)]):
        return tf.identity(x)


def _required(condition: tf.Tensor, words: str, found: tf.Tensor) -> tf.control_dependencies:
    """A context whose operations wait for a condition."""
    return tf.control_dependencies([tf.debugging.Assert(condition, [words, found], summarize=64)])
