"""An exported model that is quick to make."""

import tensorflow as tf


def save(folder, *, size, num_classes):
    """Writes a model for images of `size` pixels; `num_classes` None: any number. Returns it."""
    model = _NearestMean(size, num_classes)
    signatures = {"embed": model.embed, "features": model.classify}
    tf.saved_model.save(model, str(folder), signatures=signatures)
    return folder


class _NearestMean(tf.Module):
    """Classifies by the distance to the mean pixels of a class, in place of a trained model."""

    def __init__(self, size, num_classes):
        super().__init__()
        self.num_classes = num_classes
        images = tf.TensorSpec([None, size, size, 3], tf.uint8)
        self.embed = tf.function(self._embed, input_signature=[images])

    def _embed(self, images):
        return {"features": tf.reduce_mean(tf.cast(images, tf.float32) / 255, axis=(1, 2))}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 3], tf.float32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None, 3], tf.float32),
        ]
    )
    def classify(self, support_features, support_labels, query_features):
        num_classes = self.num_classes or tf.reduce_max(support_labels) + 1
        members = tf.one_hot(support_labels, num_classes)
        sums = tf.einsum("bsn,bsc->bnc", members, support_features)
        means = sums / tf.reduce_sum(members, axis=1)[..., tf.newaxis]
        distances = tf.norm(query_features[:, :, tf.newaxis] - means[:, tf.newaxis], axis=-1)
        return {
            "probabilities": tf.nn.softmax(-5 * distances),
            "inductive_probabilities": tf.nn.softmax(-distances),
        }
