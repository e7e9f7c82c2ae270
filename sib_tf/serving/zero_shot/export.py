"""A SavedModel that classifies unlabelled images of one domain, and needs no sib_tf to run."""

from pathlib import Path

import keras
import tensorflow as tf

from sib_tf.adaptation.model import ZeroShotClassifier
from sib_tf.method.rotation import TURNS
from sib_tf.serving import encoded_images, query_limit
from sib_tf.serving.request_checks import at_most, finite, of_shape
from sib_tf.serving.signature_answers import answers

Tensors = dict[str, tf.Tensor]


def export(
    folder: Path,
    phi: keras.Model,
    classifier: ZeroShotClassifier,
    max_images: int = query_limit.DEFAULT,
) -> None:
    """Writes phi and a classifier as one SavedModel.

    B minibatches of Q images, N classes. B and Q are free at call time. Signatures:

        serving_default  images uint8 [B,Q,H,W,3]
                         -> probabilities float32 [B,Q,N] after K steps, labels int32 [B,Q] (the
                         most probable), inductive_probabilities float32 [B,Q,N] (K = 0)
        encoded          the same with JPEG or PNG files of any size, string [B,Q]
        turned           features float32 [B,Q,T,D] of each image turned by T angles -> the same
        embed            images uint8 [B,H,W,3] -> features float32 [B,T,D]

    T is 4, or 1 without a step down the rotation loss. The images of a minibatch should be of one
    domain; other minibatches change no answer, but for the rounding of phi. An image that is zero
    all over (in `encoded`, an empty string) is padding and takes no part.

    A request with a bad input, or with more images in a minibatch than `max_images`, gets
    INVALID_ARGUMENT and the name of the input.

    Args:
        folder: folder to write; must not exist.
        phi: frozen backbone, images [B, H, W, 3], values 0..255, to features [B, D].
        classifier: classifier that was meta-trained on features of this phi.
        max_images: most images of a minibatch; bounds the memory that a request takes.
    """
    classifier = classifier.for_serving()
    served = _Served(phi, classifier, max_images)
    archive = keras.export.ExportArchive()
    archive.track(phi)
    archive.track(classifier)
    many = tf.TensorSpec((None, None, *served.image), tf.uint8, "images")
    files = tf.TensorSpec((None, None), tf.string, "images")
    features = tf.TensorSpec((None, None, *served.feature), tf.float32, "features")
    archive.add_endpoint("serving_default", served.classify, [many])
    archive.add_endpoint("encoded", served.classify_encoded, [files])
    archive.add_endpoint("turned", served.classify_features, [features])
    one = tf.TensorSpec((None, *served.image), tf.uint8, "images")
    archive.add_endpoint("embed", served.embed, [one])
    archive.write_out(str(folder), verbose=False)
    query_limit.write(folder, max_images)


class _Served:
    """What the signatures compute; see `export`.

    Attributes:
        image: shape of an image, (H, W, 3).
        feature: shape of the features of an image, (T, D).
    """

    def __init__(self, phi: keras.Model, classifier: ZeroShotClassifier, max_images: int) -> None:
        self.image = tuple(phi.input_shape[1:])
        turns = TURNS if classifier.rotation_step_size else 1
        self.feature = (turns, phi.output_shape[-1])
        self._phi, self._classifier, self._max_images = phi, classifier, max_images

    def classify(self, images: tf.Tensor) -> Tensors:
        images = of_shape("images", images, (None, None, *self.image))
        mask = tf.reduce_any(images != 0, axis=(2, 3, 4))
        return self._classify_images(at_most(self._max_images, "images", images, mask), mask)

    def classify_encoded(self, images: tf.Tensor) -> Tensors:
        images = of_shape("images", images, (None, None))
        mask = images != b""
        files = at_most(self._max_images, "images", images, mask)
        return self._classify_images(encoded_images.decode("images", files, *self.image[:2]), mask)

    def classify_features(self, features: tf.Tensor) -> Tensors:
        features = of_shape("features", features, (None, None, *self.feature))
        mask = tf.reduce_any(features != 0, axis=(2, 3))
        features = at_most(self._max_images, "features", finite("features", features), mask)
        return self._adapt(features, mask)

    def embed(self, images: tf.Tensor) -> Tensors:
        return {"features": self._turned(of_shape("images", images, (None, *self.image)))}

    def _turned(self, images: tf.Tensor) -> tf.Tensor:
        """Features [B, T, D] of images [B, H, W, 3]."""
        turns, _ = self.feature
        # Of integers, TensorFlow's transposition prints an error on CPUs without AVX-512.
        images = tf.cast(images, tf.float32)
        views = (tf.image.rot90(images, k) for k in range(turns))
        return tf.stack([self._phi(view, training=False) for view in views], axis=1)

    def _classify_images(self, images: tf.Tensor, mask: tf.Tensor) -> Tensors:
        features = self._turned(tf.reshape(images, (-1, *self.image)))
        shape = tf.concat([tf.shape(images)[:2], self.feature], axis=0)
        return self._adapt(tf.reshape(features, shape), mask)

    def _adapt(self, features: tf.Tensor, mask: tf.Tensor) -> Tensors:
        path = self._classifier.logits_path({"features": features, "query_mask": mask})
        return answers(path[0], path[-1])
