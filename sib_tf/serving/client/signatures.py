"""What the signatures of a served model say about it."""

from collections.abc import Mapping

from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_INT32, DT_STRING, DT_UINT8
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from sib_tf.serving.client.target import Target
from sib_tf.serving.exported_model import Answers

SignatureDefs = Mapping[str, SignatureDef]

# B episodes, S support and Q query images, N classes.
_EXPECTED = {
    "serving_default": (
        "support_images uint8 [B,S,H,W,3], support_labels int32 [B,S], "
        "query_images uint8 [B,Q,H,W,3] -> probabilities, inductive_probabilities float32 [B,Q,N]"
    ),
    "encoded": (
        "support_images string [B,S], support_labels int32 [B,S], query_images string [B,Q] "
        "-> probabilities, inductive_probabilities float32 [B,Q,N]"
    ),
}
# Data type and rank.
_IMAGES = {"serving_default": (DT_UINT8, 5), "encoded": (DT_STRING, 2)}
_LABELS = (DT_INT32, 2)
_PROBABILITIES = (DT_FLOAT, 3)


def check(target: Target, signatures: SignatureDefs, name: str) -> None:
    """Refuses a model whose signature of this name is not that of an export.

    Args:
        target: model, for messages.
        signatures: signatures of the model by name.
        name: name of the signature, "serving_default" or "encoded".

    Raises:
        UserError: if the signature is missing or has other inputs or outputs.
    """
    if name not in signatures:
        raise target.other_signature(name, _EXPECTED[name], f"not there, but {_names(signatures)}")
    signature = signatures[name]
    images = _IMAGES[name]
    inputs = {"support_images": images, "support_labels": _LABELS, "query_images": images}
    outputs = _types(signature.outputs)
    answered = all(outputs.get(output) == _PROBABILITIES for output in Answers._fields)
    if _types(signature.inputs) != inputs or not answered:
        found = f"{_names(signature.inputs)} -> {_names(signature.outputs)}"
        raise target.other_signature(name, _EXPECTED[name], found)


def image_size(target: Target, signatures: SignatureDefs) -> tuple[int, int]:
    """Height and width of the images that a model takes, pixels.

    Args:
        target: model, for messages.
        signatures: signatures of the model by name.

    Raises:
        UserError: if height or width is not fixed.
    """
    name = "serving_default"
    _, _, height, width, _ = signatures[name].inputs["query_images"].tensor_shape.dim
    if min(height.size, width.size) < 0:
        raise target.other_signature(name, _EXPECTED[name], "for images of any size")
    return height.size, width.size


def num_classes(signatures: SignatureDefs) -> int | None:
    """N, the number of classes that a model tells apart; None if any number."""
    *_, classes = signatures["serving_default"].outputs["probabilities"].tensor_shape.dim
    return None if classes.size < 0 else classes.size


def _types(tensors: Mapping[str, TensorInfo]) -> dict[str, tuple[int, int]]:
    # Not as a tf.DType: what comes over HTTP may be none.
    return {name: (info.dtype, len(info.tensor_shape.dim)) for name, info in tensors.items()}


def _names(mapping: Mapping) -> str:
    return ", ".join(sorted(mapping)) or "none"
