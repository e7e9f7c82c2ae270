"""A SavedModel that goes from images to predictions, and needs no sib_tf to run."""

from pathlib import Path

import keras
import tensorflow as tf

from sib_tf.tasks.few_shot import FewShotClassifier


def export(folder: Path, phi: keras.Model, classifier: FewShotClassifier) -> None:
    """Writes phi and a classifier as one SavedModel.

    B episodes, S support and Q query images, N classes. B, S and Q are free at call time, N where
    the classifier is set-wise and was made without a way. Signatures:

        serving_default  support_images uint8 [B,S,H,W,3], support_labels int32 [B,S],
                         query_images uint8 [B,Q,H,W,3]
                         -> probabilities float32 [B,Q,N] after K steps, labels int32 [B,Q] (the
                         most probable), inductive_probabilities float32 [B,Q,N] (K = 0)
        features         support_features float32 [B,S,D], support_labels int32 [B,S],
                         query_features float32 [B,Q,D] -> the same
        embed            images uint8 [B,H,W,3] -> features float32 [B,D]

    Args:
        folder: to write; must not exist.
        phi: the frozen backbone, images [B, H, W, 3], values 0..255, to features [B, D].
        classifier: meta-trained on features of this phi.
    """
    _, height, width, channels = phi.input_shape
    dim = phi.output_shape[-1]

    def embed(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"features": phi(images, training=False)}

    def embed_sets(images: tf.Tensor) -> tf.Tensor:
        leading = tf.shape(images)[:2]
        flat = tf.reshape(images, [-1, height, width, channels])
        return tf.reshape(phi(flat, training=False), tf.concat([leading, [dim]], axis=0))

    def features(
        support_features: tf.Tensor, support_labels: tf.Tensor, query_features: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        path = classifier.logits_path(
            {
                "support_features": tf.ensure_shape(support_features, [None, None, dim]),
                "support_labels": support_labels,
                "query_features": tf.ensure_shape(query_features, [None, None, dim]),
            }
        )
        return {
            "probabilities": tf.nn.softmax(path[-1]),
            "labels": tf.argmax(path[-1], axis=-1, output_type=tf.int32),
            "inductive_probabilities": tf.nn.softmax(path[0]),
        }

    def serving_default(
        support_images: tf.Tensor, support_labels: tf.Tensor, query_images: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return features(embed_sets(support_images), support_labels, embed_sets(query_images))

    def images_spec(name: str, *leading: None) -> tf.TensorSpec:
        return tf.TensorSpec([*leading, height, width, channels], tf.uint8, name)

    def features_spec(name: str) -> tf.TensorSpec:
        return tf.TensorSpec([None, None, dim], tf.float32, name)

    labels_spec = tf.TensorSpec([None, None], tf.int32, "support_labels")
    signatures = {
        "serving_default": (
            serving_default,
            images_spec("support_images", None, None),
            labels_spec,
            images_spec("query_images", None, None),
        ),
        "features": (
            features,
            features_spec("support_features"),
            labels_spec,
            features_spec("query_features"),
        ),
        "embed": (embed, images_spec("images", None)),
    }
    archive = keras.export.ExportArchive()
    archive.track(phi)
    archive.track(classifier)
    for name, (function, *specs) in signatures.items():
        archive.add_endpoint(name, function, input_signature=specs)
    archive.write_out(str(folder), verbose=False)
