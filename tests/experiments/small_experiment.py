"""A tiny experiment, for its steps on Beam with untrained weights."""

import json

import keras
import tensorflow as tf

from configs import glyphs
from sib_tf.backbones import registry
from sib_tf.datasets import prepared
from sib_tf.experiments import execution, families
from sib_tf.experiments.options import Options
from sib_tf.features import feature_table
from tests.experiments.made_once import made_once

BEAM_STEPS = ("build_dataset", "build_episodes", "embed", "evaluate")


def config():
    small = glyphs.get_config("tiny")
    small.data.classes = (5, 5, 6)
    small.data.images_per_class = 22
    small.episodes.queries_per_class = 4
    small.eval.episodes = 130  # two Beam elements, the last one smaller
    small.eval.query_shares = ("dirichlet",)
    small.meta.num_steps = small.eval.num_steps = 1
    return small


def trained_config():
    """An even smaller config, with which everything trains in seconds and learns nothing."""
    smallest = glyphs.get_config("tiny")
    smallest.update_from_flattened_dict(
        {
            "data.classes": (4, 2, 2),
            "data.images_per_class": 8,
            "phi.backbone": "conv4_4",
            "phi.epochs": 1,
            "phi.batch_size": 8,
            "phi.warmup_steps": 2,
            "phi.selection_way": 2,
            "phi.selection_queries": 4,
            "episodes.way": 2,
            "episodes.queries_per_class": 2,
            "meta.num_steps": 1,
            "meta.train_episodes": 4,
            "meta.validation_episodes": 4,
            "meta.steps": 4,
            "meta.steps_per_epoch": 4,
            "meta.steps_per_call": 2,
            "eval.episodes": 4,
            "eval.num_steps": 1,
        }
    )
    smallest.grid = {"ways": (2,), "shots": (1,), "queries": (1, 3, 500), "episodes": 2}
    return smallest


def write_weights(folder):
    """A backbone and a task model with random weights."""
    keras.utils.set_random_seed(0)
    phi = registry.build("conv4_4", 32)
    phi.save(folder / "backbone.keras")
    checked = families.read(config())
    model = checked.meta.model(checked.episodes.way, phi.output_shape[-1])
    model.save(folder / "model.keras")
    return folder


def run(folder, weights, beam_args=()):
    """Runs the steps on Beam and those that they require."""
    checked = families.read(config())
    for step in families.steps(config(), Options(weights=weights)):
        if step.name in (*BEAM_STEPS, "pretrain", "train"):
            execution.execute(step, checked, folder, beam_args=beam_args)


def in_memory(tmp_path_factory):
    """A folder with `weights`, and with the working directory `work` of a run without workers."""
    return made_once(tmp_path_factory, "small_experiment", _run_in_memory)


def _run_in_memory(folder):
    (folder / "weights").mkdir()
    run(folder / "work", write_weights(folder / "weights"))


def records(folder):
    """The records of the data set and the episodes, sorted, and each image's features."""
    data = prepared.prepared_in(folder / "data")
    table = feature_table.read(folder / "features/test/records")
    return {
        "data": sorted(map(_in_order, _read(data))),
        "features": [*zip(table.labels.tolist(), table.features[0].tolist(), strict=True)],
        "episodes": sorted(map(_in_order, _read(folder / "episodes/test-dirichlet/records"))),
    }


def _read(folder):
    files = sorted(map(str, folder.glob("*.tfrecord*")))
    return tf.data.TFRecordDataset(files).as_numpy_iterator()


def _in_order(record):
    # The order in which protobuf writes the features of a record differs between processes.
    return tf.train.Example.FromString(record).SerializeToString(deterministic=True)


def results(folder):
    """The rows of the report, without their seconds."""
    report = json.loads((folder / "evaluation/report.json").read_text())
    return [{**row, "seconds": None} for row in report["results"]]
