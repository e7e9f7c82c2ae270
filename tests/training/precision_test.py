"""phi trained in bfloat16 is as accurate as in float32, and computes in float32 itself."""

import pytest

from configs import glyphs
from sib_tf.base import keras_file
from sib_tf.datasets import prepared
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.few_shot.episodes.reader import tabulate
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class, sample
from sib_tf.few_shot.prototype_accuracy import PrototypeAccuracy
from sib_tf.training import pretraining

# Trained with other seeds, phi of this config scatters by some 3 points around its mean; so the
# difference of two trainings lies in an interval of 1.96 * sqrt(2) * 3 points.
INTERVAL = 0.083


def accuracy(phi, builder, spec):
    """Of cosine prototypes on 600 test episodes."""
    images, labels = prepared.read_examples(builder, "test")
    groups = examples_by_class(labels, spec, prepared.class_names(builder), "test")
    stream = {"seed": 0, "stream": "precision"}
    episodes = tabulate([sample(groups, spec, index=index, **stream) for index in range(600)])
    return PrototypeAccuracy(images, episodes)(phi)


@pytest.mark.slow
def test_bfloat16_costs_no_accuracy(tmp_path):
    config = glyphs.get_config("tiny")
    (build,) = families.steps_of(config, "build_dataset")
    execute(build, families.read(config), tmp_path / "float32")
    data = tmp_path / "float32" / "data"
    builder = prepared.builder_of(prepared.prepared_in(data))
    found = {}
    for precision in pretraining.PRECISIONS:
        workdir = tmp_path / precision
        workdir.mkdir(exist_ok=True)
        if not (workdir / "data").exists():
            (workdir / "data").symlink_to(data)
        config.phi.precision = precision
        (pretrain,) = families.steps_of(config, "pretrain")
        execute(pretrain, families.read(config), workdir)
        phi = keras_file.load(workdir / "backbone" / pretraining.BACKBONE)
        assert {layer.compute_dtype for layer in phi._flatten_layers()} == {"float32"}
        found[precision] = accuracy(phi, builder, EpisodeSpec(way=5, shot=1, queries=75))
    exact, half = found["float32"], found["mixed_bfloat16"]
    assert exact > 0.4, "it has learnt"
    assert abs(half - exact) < INTERVAL
    assert half != exact
