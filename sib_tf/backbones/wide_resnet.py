"""WRN: pre-activation wide residual networks, the large backbone of the paper."""

import keras

from sib_tf.backbones.normalization import batch_norm


def wide_resnet(image_size: int, depth: int, width: int) -> keras.Model:
    """A 3x3 convolution, three stages of residual blocks, BatchNorm, ReLU, mean over the image.

    Source: `WideResNet` of the released code, whose names the layers with weights have, for
    `released_weights`.

    Args:
        image_size: H = W of the standardised images [B, H, W, 3]. Up to 32 the first stage keeps
            the resolution, above it halves it; the second and the third always halve it.
        depth: 6n + 4, with n > 0 blocks in each stage.
        width: factor on the channels of the stages, 16, 32 and 64.

    Returns:
        A model to features [B, D], D = 64 * width.
    """
    blocks = (depth - 4) // 6
    images = keras.Input((image_size, image_size, 3), name="images")
    x = _convolve(images, 16, size=3, stride=1, name="conv1")
    for stage, stride in enumerate((1 if image_size <= 32 else 2, 2, 2)):
        for block in range(blocks):
            x = _residual_block(
                x,
                channels=16 * width * 2**stage,
                stride=stride if block == 0 else 1,
                name=f"block{stage + 1}.layer.{block}",
            )
    x = _activate(x, "bn1")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(images, x, name=f"wrn_{depth}_{width}")


def _residual_block(
    x: keras.KerasTensor, channels: int, stride: int, name: str
) -> keras.KerasTensor:
    """Twice BatchNorm, ReLU, 3x3 convolution, plus a shortcut.

    The shortcut is a 1x1 convolution of the *activated* input where the block changes the shape,
    else the *raw* input.
    """
    activated = _activate(x, f"{name}.bn1")
    y = _convolve(activated, channels, size=3, stride=stride, name=f"{name}.conv1")
    y = _activate(y, f"{name}.bn2")
    y = _convolve(y, channels, size=3, stride=1, name=f"{name}.conv2")
    if stride > 1 or x.shape[-1] != channels:
        x = _convolve(activated, channels, size=1, stride=stride, name=f"{name}.convShortcut")
    return keras.layers.Add(name=f"{name}.sum")([x, y])


def _activate(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.ReLU(name=f"{name}.relu")(batch_norm(name)(x))


def _convolve(
    x: keras.KerasTensor, channels: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    """A convolution without bias that pads each side by size // 2, as PyTorch does.

    With a stride, Keras' padding="same" would pad an even image on the right and below only.
    """
    if stride > 1 and size > 1:
        x = keras.layers.ZeroPadding2D(size // 2, name=f"{name}.padding")(x)
    convolution = keras.layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=name,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, mode="fan_out", distribution="untruncated_normal"
        ),
    )
    return convolution(x)
