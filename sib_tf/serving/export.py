"""A SavedModel that goes from images to predictions, and needs no sib_tf to run."""

from pathlib import Path

import keras
import tensorflow as tf

from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import encoded_images, query_limit
from sib_tf.serving.request_checks import (
    at_most,
    finite,
    of_equal_size,
    of_shape,
    support_of_every_class,
)
from sib_tf.serving.signature_answers import answers

Tensors = dict[str, tf.Tensor]


def export(
    folder: Path,
    phi: keras.Model,
    classifier: FewShotClassifier,
    max_queries: int = query_limit.DEFAULT,
) -> None:
    """Writes phi and a classifier as one SavedModel.

    B episodes, S support and Q query images, N classes. B, S and Q are free at call time, N where
    the classifier is set-wise and was made without a way. Signatures:

        serving_default  support_images uint8 [B,S,H,W,3], support_labels int32 [B,S],
                         query_images uint8 [B,Q,H,W,3]
                         -> probabilities float32 [B,Q,N] after K steps, labels int32 [B,Q] (the
                         most probable), inductive_probabilities float32 [B,Q,N] (K = 0)
        encoded          the same with JPEG or PNG files of any size, string [B,S] and [B,Q]
        features         support_features float32 [B,S,D], support_labels int32 [B,S],
                         query_features float32 [B,Q,D] -> the same
        embed            images uint8 [B,H,W,3] -> features float32 [B,D]

    A model server wants every input of a signature and joins requests along their first axis, for
    which the other axes must be equal. So padding is marked by what it holds, not by one more
    input: a support example with a negative label counts for no class, and a query that is zero all
    over (in `encoded`, an empty string) takes no part in the steps. No answer depends on padding or
    on other episodes, but for the rounding of phi; the steps, which amplify rounding, are computed
    in float64. A class that an episode lacks and another one of its batch has gets probability 0.

    A request with a bad input, or with more queries in an episode than `max_queries`, gets
    INVALID_ARGUMENT and the name of the input before anything is computed.

    Args:
        folder: folder to write; must not exist.
        phi: frozen backbone, images [B, H, W, 3], values 0..255, to features [B, D].
        classifier: classifier that was meta-trained on features of this phi.
        max_queries: most queries of an episode; bounds the memory that a request takes.
    """
    classifier = classifier.for_serving()
    served = _Served(phi, classifier, max_queries)
    archive = keras.export.ExportArchive()
    archive.track(phi)
    archive.track(classifier)
    archive.add_endpoint("serving_default", served.classify, _specs("images", served.image))
    archive.add_endpoint("encoded", served.classify_encoded, _specs("images", (), tf.string))
    archive.add_endpoint(
        "features", served.classify_features, _specs("features", served.feature, tf.float32)
    )
    images = tf.TensorSpec((None, *served.image), tf.uint8, "images")
    archive.add_endpoint("embed", served.embed, [images])
    archive.write_out(str(folder), verbose=False)
    query_limit.write(folder, max_queries)


def _specs(
    examples: str, shape: tuple[int, ...], dtype: tf.DType = tf.uint8
) -> list[tf.TensorSpec]:
    """The inputs of an episode whose examples have this shape."""
    return [
        tf.TensorSpec((None, None, *shape), dtype, f"support_{examples}"),
        tf.TensorSpec((None, None), tf.int32, "support_labels"),
        tf.TensorSpec((None, None, *shape), dtype, f"query_{examples}"),
    ]


class _Served:
    """What the signatures compute; see `export`.

    Attributes:
        image: shape of an image, (H, W, 3).
        feature: shape of a feature vector, (D,).
    """

    def __init__(self, phi: keras.Model, classifier: FewShotClassifier, max_queries: int) -> None:
        self.image = tuple(phi.input_shape[1:])
        self.feature = tuple(phi.output_shape[1:])
        self._phi, self._classifier = phi, classifier
        self._max_queries = max_queries

    def classify(
        self, support_images: tf.Tensor, support_labels: tf.Tensor, query_images: tf.Tensor
    ) -> Tensors:
        inputs = self._checked(
            self.image,
            support_images=support_images,
            support_labels=support_labels,
            query_images=query_images,
        )
        mask = tf.reduce_any(inputs["query_images"] != 0, axis=(2, 3, 4))
        self._limit("query_images", inputs, mask)
        return self._classify_images(**inputs, query_mask=mask)

    def classify_encoded(
        self, support_images: tf.Tensor, support_labels: tf.Tensor, query_images: tf.Tensor
    ) -> Tensors:
        inputs = self._checked(
            (),
            support_images=support_images,
            support_labels=support_labels,
            query_images=query_images,
        )
        mask = inputs["query_images"] != b""
        self._limit("query_images", inputs, mask)
        for name in ("support_images", "query_images"):
            inputs[name] = encoded_images.decode(name, inputs[name], *self.image[:2])
        return self._classify_images(**inputs, query_mask=mask)

    def classify_features(
        self, support_features: tf.Tensor, support_labels: tf.Tensor, query_features: tf.Tensor
    ) -> Tensors:
        inputs = self._checked(
            self.feature,
            support_features=support_features,
            support_labels=support_labels,
            query_features=query_features,
        )
        mask = tf.reduce_any(inputs["query_features"] != 0, axis=-1)
        self._limit("query_features", inputs, mask)
        for name in ("support_features", "query_features"):
            inputs[name] = finite(name, inputs[name])
        return self._adapt({**inputs, "query_mask": mask})

    def embed(self, images: tf.Tensor) -> Tensors:
        images = of_shape("images", images, (None, *self.image))
        return {"features": self._phi(images, training=False)}

    def _checked(self, shape: tuple[int, ...], **inputs: tf.Tensor) -> Tensors:
        """The inputs of an episode whose examples have this shape, or an error."""
        support, labels, query = inputs
        axes = {support: shape, labels: (), query: shape}
        inputs = {name: of_shape(name, x, (None, None, *axes[name])) for name, x in inputs.items()}
        inputs = of_equal_size(0, inputs)
        inputs |= of_equal_size(1, {name: inputs[name] for name in (support, labels)})
        inputs[labels] = support_of_every_class(inputs[labels], self._classifier.way)
        return inputs

    def _limit(self, name: str, inputs: Tensors, mask: tf.Tensor) -> None:
        """Lets the queries wait for the check that they are no more than allowed."""
        inputs[name] = at_most(self._max_queries, name, inputs[name], mask)

    def _classify_images(
        self,
        support_images: tf.Tensor,
        support_labels: tf.Tensor,
        query_images: tf.Tensor,
        query_mask: tf.Tensor,
    ) -> Tensors:
        # One pass over all images is faster than one over the few of the support set and another.
        images = tf.concat([support_images, query_images], axis=1)
        features = self._phi(tf.reshape(images, (-1, *self.image)), training=False)
        features = tf.reshape(features, tf.concat([tf.shape(images)[:2], self.feature], axis=0))
        support = tf.shape(support_images)[1]
        return self._adapt(
            {
                "support_features": features[:, :support],
                "support_labels": support_labels,
                "query_features": features[:, support:],
                "query_mask": query_mask,
            }
        )

    def _adapt(self, inputs: Tensors) -> Tensors:
        classifier = self._classifier
        path = classifier.theta_path(inputs, classifier.num_steps)
        before, after = (classifier.classify(inputs, theta) for theta in (path[0], path[-1]))
        return answers(before, after)
