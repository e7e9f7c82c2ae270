"""An exported model without Python: TensorFlow's C API gives the same answers, and clear errors."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from sib_tf import FewShotClassifier
from sib_tf.backbones import registry
from sib_tf.serving.export import export

SIZE, WAY, SHOT, QUERIES = 16, 3, 2, 4
CHILD = Path(__file__).with_name("c_api.py")


def images(*leading):
    rng = np.random.default_rng(sum(leading))
    return rng.integers(0, 256, (*leading, SIZE, SIZE, 3), dtype=np.uint8)


def encode(images, format="png"):
    encoder = {"png": tf.io.encode_png, "jpeg": tf.io.encode_jpeg}[format]
    encoded = np.empty(images.shape[:2], object)
    for place in np.ndindex(encoded.shape):
        encoded[place] = encoder(images[place]).numpy()
    return encoded


def replaced(files, place, content):
    other = files.copy()
    other[place] = content
    return other


IMAGES = {
    "support_images": images(2, WAY * SHOT),
    "support_labels": np.tile(np.arange(WAY * SHOT, dtype=np.int32) % WAY, (2, 1)),
    "query_images": images(2, QUERIES),
}
LABELS = IMAGES["support_labels"]
FILES = {
    name: encode(value) if value.dtype == np.uint8 else value for name, value in IMAGES.items()
}
FEATURES = {
    "support_features": np.ones((2, WAY * SHOT, 8), np.float32),
    "support_labels": LABELS,
    "query_features": np.ones((2, QUERIES, 8), np.float32),
}
GOOD = {
    "serving_default": IMAGES,
    "encoded": FILES,
    "features": FEATURES,
    "embed": {"images": images(3)},
}

# For both models: signature, replaced inputs and a pattern of the error.
_GAP = np.array([[0, 2, 0, 2, 0, 2]] * 2, np.int32)
_BOTH = [
    (
        "serving_default",
        {"query_images": IMAGES["query_images"][0]},
        r"query_images\S* \[4,16,16,3\] is not compatible with expected shape \[\?,\?,16,16,3\]",
    ),
    (
        "serving_default",
        {"support_images": IMAGES["support_images"][:, :, :8]},
        r"support_images\S* \[2,6,8,16,3\] is not compatible with expected shape \[\?,\?,16,16,3\]",
    ),
    (
        "serving_default",
        {"query_images": IMAGES["query_images"][:, :0]},
        r"\[query_images must have no empty axis, got the shape\] \[2 0 16 16 3\]",
    ),
    # TensorFlow checks types before the graph runs, and numbers inputs as docs/serving.md says.
    *(
        (
            signature,
            {name: GOOD[signature][name].astype(np.float64)},
            rf"Expects arg\[{position}\] to be (uint8|int32|float) but double is provided",
        )
        for signature in ("serving_default", "features", "embed")
        for position, name in enumerate(sorted(GOOD[signature]))
    ),
    (
        "serving_default",
        {"query_images": IMAGES["query_images"][:1]},
        r"\[support_images, support_labels, query_images must be equal in axis 0, got sizes\] "
        r"\[2 2 1\]",
    ),
    (
        "serving_default",
        {"support_labels": LABELS[:, :5]},
        r"\[support_images, support_labels must be equal in axis 1, got sizes\] \[6 5\]",
    ),
    (
        "serving_default",
        {"support_labels": LABELS[0]},
        r"support_labels\S* \[6\] is not compatible with expected shape \[\?,\?\]",
    ),
    ("serving_default", {"support_labels": _GAP}, r"\[support_labels must name every class"),
    (
        "serving_default",
        {"support_labels": np.full_like(LABELS, -1)},
        r"\[support_labels must name every class",
    ),
    (
        "serving_default",
        {"support_labels": LABELS + 2**30},
        r"\[support_labels must be less than .*, got\] \[1073741826\]",
    ),
    (
        "serving_default",
        {"support_labels": np.full_like(LABELS, 2**31 - 1)},
        r"\[support_labels must be less than .*, got\] \[2147483647\]",
    ),
    (
        "serving_default",
        {"support_images": IMAGES["support_images"][:, :0], "support_labels": LABELS[:, :0]},
        r"\[support_(images|labels) must have no empty axis, got the shape\] \[2 0",
    ),
    (
        "encoded",
        {"query_images": replaced(FILES["query_images"], (1, 2), b"no image")},
        r"\[query_images must be JPEG or PNG files, or empty; neither is the one at\] \[6\]",
    ),
    (
        "encoded",
        {
            "support_images": replaced(
                FILES["support_images"], (0, 1), FILES["query_images"][0, 0][:60]
            )
        },
        "support_images_cannot_be_decoded",
    ),
    (
        "features",
        {"query_features": np.full((2, QUERIES, 8), np.nan, np.float32)},
        "query_features must be finite",
    ),
    (
        "features",
        {"support_features": np.full((2, WAY * SHOT, 8), np.inf, np.float32)},
        "support_features must be finite",
    ),
    (
        "features",
        {"query_features": np.full((2, QUERIES, 8), 1e20, np.float32)},
        "query_features must be finite, and the sum of its squares",
    ),
    (
        "embed",
        {"images": images(2, 3)},
        r"images\S* \[2,3,16,16,3\] is not compatible with expected shape \[\?,16,16,3\]",
    ),
    (
        "features",
        {"query_features": np.ones((2, QUERIES, 7), np.float32)},
        r"query_features\S* \[2,4,7\] is not compatible with expected shape \[\?,\?,8\]",
    ),
]
BAD = {
    WAY: [*_BOTH, ("serving_default", {"support_labels": LABELS % 2}, r"every class from 0 to 2")],
    None: _BOTH,
}


def describe(folder):
    """Tensor names of inputs and outputs, by signature."""
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        name: tuple({k: v.name for k, v in side.items()} for side in (one.inputs, one.outputs))
        for name, one in proto.meta_graphs[0].signature_def.items()
    }


@pytest.fixture(scope="module", params=[WAY, None], ids=["dense", "set-wise"])
def answers(request, tmp_path_factory):
    """The model, and the C API's answers to bad and good requests in turn."""
    way, folder = request.param, tmp_path_factory.mktemp("c_api")
    keras.utils.set_random_seed(0)
    phi = registry.build("conv4_8", image_size=SIZE)
    kind = "dense" if way else "set"
    model = FewShotClassifier(way, 8, num_steps=1, synthetic_gradient=kind)
    export(folder / "1", phi, model)
    signatures = describe(folder / "1")
    requests = []
    for name, replacement, _ in BAD[way]:
        for inputs in ({**GOOD[name], **replacement}, GOOD[name]):
            names, outputs = signatures[name]
            feeds = {names[key]: value for key, value in inputs.items()}
            requests.append((feeds, list(outputs.values())))
    (folder / "requests").write_bytes(pickle.dumps(requests))
    libraries = Path(tf.__file__).parent
    command = [CHILD, libraries, folder / "1", folder / "requests", folder / "answers"]
    subprocess.run([sys.executable, *map(str, command)], check=True)
    found = pickle.loads((folder / "answers").read_bytes())
    outputs = {name: list(outputs) for name, (_, outputs) in signatures.items()}
    return way, folder / "1", outputs, found


@pytest.mark.slow
def test_the_same_answers_after_every_bad_request(answers):
    way, folder, outputs, found = answers
    model = tf.saved_model.load(str(folder))
    for (name, _, _), answer in zip(BAD[way], found[1::2], strict=True):
        inputs = {key: tf.constant(value) for key, value in GOOD[name].items()}
        expected = model.signatures[name](**inputs)
        assert not isinstance(answer, str), answer
        for key, value in zip(outputs[name], answer, strict=True):
            # A session may fuse float32 convolutions, with errors of 1e-6 of the largest feature;
            # logits, ten times a cosine, and with them probabilities thus have errors of 1e-5.
            scale = max(1, np.abs(expected[key]).max())
            np.testing.assert_allclose(value, expected[key], rtol=0, atol=1e-5 * scale)


@pytest.mark.slow
def test_bad_requests_are_refused_with_the_input_name(answers):
    way, _, _, found = answers
    for (_, _, words), answer in zip(BAD[way], found[::2], strict=True):
        assert isinstance(answer, str), f"answered, in place of: {words}"
        assert answer.startswith("3: "), "INVALID_ARGUMENT"
        assert re.search(words, answer), answer
