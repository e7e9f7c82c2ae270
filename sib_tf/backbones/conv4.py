"""Conv-4: the small backbone of few-shot learning."""

import keras

from sib_tf.backbones.normalization import batch_norm


def conv4(image_size: int, width: int) -> keras.Model:
    """Four times 3x3 convolution without bias, BatchNorm, ReLU, 2x2 max-pool; then flattened.

    Layers with weights have the names of the released code, for `released_weights`.

    Args:
        image_size: H = W of the standardised images [B, H, W, 3], at least 16.
        width: channels of each convolution.

    Returns:
        A model to features [B, D], D = width * (image_size // 16)^2, flattened channel-first as the
        released code does.
    """
    images = x = keras.Input((image_size, image_size, 3), name="images")
    for block in range(4):
        x = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,
            name=f"conv_blocks.{block}.layers.Conv",
            kernel_initializer="he_normal",
        )(x)
        x = batch_norm(f"conv_blocks.{block}.layers.BatchNorm")(x)
        # The two commute, and this order leaves the ReLU a quarter of the work.
        x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
        x = keras.layers.ReLU(name=f"relu{block}")(x)
    x = keras.layers.Permute((3, 1, 2), name="channel_first")(x)
    return keras.Model(images, keras.layers.Flatten(name="features")(x), name=f"conv4_{width}")
