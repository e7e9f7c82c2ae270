"""Names and shapes of the weights of the released code's networks, copied from its source.

In PyTorch's layout, without `num_batches_tracked`.
"""


def norm_shapes(name, channels):
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts}


def conv4_shapes(width):
    shapes = {}
    for block, channels in enumerate((3, width, width, width)):
        prefix = f"conv_blocks.{block}.layers"
        shapes[f"{prefix}.Conv.weight"] = (width, channels, 3, 3)
        shapes |= norm_shapes(f"{prefix}.BatchNorm", width)
    return shapes


def wrn_shapes(depth, width):
    shapes, before = {"conv1.weight": (16, 3, 3, 3)}, 16
    for stage, after in enumerate((16 * width, 32 * width, 64 * width), start=1):
        for block in range((depth - 4) // 6):
            prefix = f"block{stage}.layer.{block}"
            shapes |= norm_shapes(f"{prefix}.bn1", before) | norm_shapes(f"{prefix}.bn2", after)
            shapes[f"{prefix}.conv1.weight"] = (after, before, 3, 3)
            shapes[f"{prefix}.conv2.weight"] = (after, after, 3, 3)
            if before != after:
                shapes[f"{prefix}.convShortcut.weight"] = (after, before, 1, 1)
            before = after
    return shapes | norm_shapes("bn1", before)


def classifier_shapes(way, dim):
    hidden = 8 * way
    shapes = {"bias": (1,), "scale_cls": (1,), "wnLayerFavg.weight": (dim,)}
    for layer, (fan_in, fan_out) in enumerate(((way, hidden), (hidden, hidden)), start=1):
        shapes[f"dni.layer{layer}.0.weight"] = (fan_out, fan_in)
        for part in ("0.bias", "2.weight", "2.bias"):
            shapes[f"dni.layer{layer}.{part}"] = (fan_out,)
    return shapes | {"dni.layer3.weight": (way, hidden), "dni.layer3.bias": (way,)}
