"""JPEG and PNG files as images, inside the graph of a served model."""

import tensorflow as tf

# Pillow's limit, and so that of images read without a server. A file of some 20 kB can hold more.
MAX_PIXELS = 178_956_970

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PN"  # how the files begin


def decode(name: str, encoded: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Decodes files, cropped about their centre to the aspect ratio and resized with antialiasing.

    Grey images become RGB, and what is transparent loses its transparency. An orientation in EXIF
    is not looked at.

    Args:
        name: name of the input, for errors.
        encoded: content of the files, string [...]; an empty one makes an image of zeros.
        height: H, in pixels.
        width: W, in pixels.

    Returns:
        uint8 [..., H, W, 3].

    Raises:
        tf.errors.InvalidArgumentError: if a file is neither JPEG nor PNG, or damaged, or has more
            than MAX_PIXELS.
    """
    flat = tf.reshape(encoded, [-1])
    start = tf.strings.substr(flat, 0, 3)
    known = (start == b"") | (start == _JPEG) | (start == _PNG)
    words = f"{name} must be JPEG or PNG files, or empty; neither is the one at"
    check = tf.debugging.Assert(tf.reduce_all(known), [words, tf.where(~known)[:, 0]])

    def decode_one(file: tf.Tensor) -> tf.Tensor:
        # An error says the name of its operation, and so the input's.
        with tf.name_scope(f"{name}_cannot_be_decoded"):
            size = _size(file)
            words = f"{name} must have no more than {MAX_PIXELS} pixels, got height and width"
            small = tf.reduce_prod(tf.cast(size, tf.int64)) <= MAX_PIXELS
            with tf.control_dependencies([tf.debugging.Assert(small, [words, size])]):
                image = tf.io.decode_image(file, channels=3, expand_animations=False)
        return _fit(image, height, width)

    def decode_or_pad(file: tf.Tensor) -> tf.Tensor:
        padding = tf.zeros([height, width, 3], tf.uint8)
        return tf.cond(file == b"", lambda: padding, lambda: decode_one(file))

    with tf.control_dependencies([check]):
        flat = tf.identity(flat)
    images = tf.map_fn(
        decode_or_pad, flat, fn_output_signature=tf.TensorSpec([height, width, 3], tf.uint8)
    )
    return tf.reshape(images, tf.concat([tf.shape(encoded), [height, width, 3]], axis=0))


def _size(file: tf.Tensor) -> tf.Tensor:
    """Height and width of the image in a file, int32 [2], from its header."""

    def of_png() -> tf.Tensor:
        # Its first chunk has them behind 16 bytes, the width first.
        return tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.int32, little_endian=False)[::-1]

    def of_jpeg() -> tf.Tensor:
        return tf.io.extract_jpeg_shape(file)[:2]

    return tf.cond(tf.strings.substr(file, 0, 3) == _PNG, of_png, of_jpeg)


def _fit(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The largest centre of an image [h, w, 3] of the aspect ratio H : W, resized."""
    size = tf.shape(image)[:2]
    image = tf.image.resize_with_crop_or_pad(
        image,
        tf.minimum(size[0], tf.maximum(1, size[1] * height // width)),
        tf.minimum(size[1], tf.maximum(1, size[0] * width // height)),
    )
    resized = tf.image.resize(image, [height, width], "bicubic", antialias=True)
    return tf.cast(tf.round(tf.clip_by_value(resized, 0.0, 255.0)), tf.uint8)
