"""The program of docs/serving.md: TensorFlow for Java gives the answers of Python."""

import json
import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.serving.small_served import SIZE, write_version

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs/serving.md"

pytestmark = pytest.mark.slow  # Maven fetches 170 MB once, and Java loads TensorFlow


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Class path of TensorFlow for Java."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("TensorFlow for Java is taken for Linux on x86_64")
    for program in ("java", "javac", "mvn"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    listed = tmp_path_factory.mktemp("maven") / "jars"
    command = ["mvn", "--batch-mode", "--quiet", f"--file={HERE / 'java/pom.xml'}"]
    command += ["dependency:build-classpath", f"-Dmdep.outputFile={listed}"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if found.returncode:
        pytest.skip(f"Maven cannot get TensorFlow for Java: {found.stdout[:300]}")
    return listed.read_text()


@pytest.fixture(scope="module")
def classes(packages, tmp_path_factory):
    """Class path of the programs, too."""
    folder = tmp_path_factory.mktemp("java")
    (program,) = re.findall(r"```java\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (folder / "FewShot.java").write_text(program)
    sources = [folder / "FewShot.java", HERE / "java/Features.java"]
    found = subprocess.run(
        ["javac", "-cp", packages, "-d", folder, *sources], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    return f"{folder}:{packages}"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "1"
    write_version(folder)
    return folder


def answer(classes, program, *args):
    """What a program prints, probabilities [Q, N]."""
    command = ["java", "-cp", classes, program, *map(str, args)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


def expected(model, signature, **inputs):
    outputs = tf.saved_model.load(str(model)).signatures[signature](
        **{name: tf.constant(value)[tf.newaxis] for name, value in inputs.items()}
    )
    return outputs["probabilities"][0]


def test_files_are_classified(classes, model, tmp_path):
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{n}.png" for n in range(4)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (SIZE + 4, SIZE, 3), np.uint8)).save(file)
    query, *support = [file.read_bytes() for file in files]
    labels = [0, 1, 2]
    in_python = expected(
        model, "encoded", support_images=support, support_labels=labels, query_images=[query]
    )
    in_java = answer(classes, "FewShot", model, *files)
    np.testing.assert_allclose(in_java, in_python, atol=1e-5)
    assert np.ptp(in_java) > 1e-3


def test_features_are_classified(classes, model):
    support, query = np.random.default_rng(0).normal(size=(2, 4, 8)).astype(np.float32)
    numbers = [*support.ravel(), *query.ravel()]
    in_python = expected(
        model,
        "features",
        support_features=support,
        support_labels=np.arange(4, dtype=np.int32),
        query_features=query,
    )
    in_java = answer(classes, "Features", model, 4, 4, 8, *numbers)
    np.testing.assert_allclose(in_java, in_python, atol=1e-5)
    assert np.ptp(in_java) > 1e-3
