"""The steps on Beam in a working directory on remote storage.

TensorFlow's file system `ram://` stands in for an object store. It is registered here with Beam and
with epath, as `gs://` is where their extras are installed.
"""

import io
import json
import pickle

import numpy as np
import pytest
import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes, FileMetadata, FileSystem
from etils.epath import backend, gpath, register
from PIL import Image

from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.datasets.image_files import by_id, read_class
from sib_tf.datasets.images import list_class_folders
from sib_tf.experiments import execution
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.step import Step
from tests.experiments import small_experiment

THREADS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")


class RamFileSystem(FileSystem):
    """`ram://` for Beam, which finds subclasses by their scheme."""

    @classmethod
    def scheme(cls):
        return "ram"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path):
        tf.io.gfile.makedirs(path)

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix):
        folder = dir_or_prefix.rpartition("/")[0]
        for name in tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else ():
            path = f"{folder}/{name}"
            if path.startswith(dir_or_prefix) and not tf.io.gfile.isdir(path):
                yield FileMetadata(path, tf.io.gfile.stat(path).length)

    def create(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        return tf.io.gfile.GFile(path, "wb")

    def open(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        return tf.io.gfile.GFile(path, "rb")

    def copy(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            tf.io.gfile.copy(source, target, overwrite=True)

    def rename(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            tf.io.gfile.rename(source, target, overwrite=True)

    def exists(self, path):
        return tf.io.gfile.exists(path)

    def size(self, path):
        return tf.io.gfile.stat(path).length

    def checksum(self, path):
        raise NotImplementedError

    def last_updated(self, path):
        return tf.io.gfile.stat(path).mtime_nsec / 1e9

    def metadata(self, path):
        return FileMetadata(path, self.size(path))

    def delete(self, paths):
        for path in paths:
            remove = tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove
            remove(path)


class RamBackend(type(backend.tf_backend)):
    """Renames a folder file by file, as TensorFlow does on gs:// but not on ram://."""

    def rename(self, path, dst):
        for folder, _, files in list(tf.io.gfile.walk(path)):
            for file in files:
                target = dst + folder.rstrip("/").removeprefix(path)
                tf.io.gfile.makedirs(target)
                super().rename(f"{folder}/{file}", f"{target}/{file}")
        if tf.io.gfile.isdir(path):
            tf.io.gfile.rmtree(path)


@pytest.fixture
def ram(monkeypatch):
    """A working directory on `ram://`."""
    monkeypatch.setitem(register._URI_PREFIXES_TO_CLS, "ram://", gpath.PosixGPath)
    monkeypatch.setattr(gpath, "_URI_PREFIXES", (*gpath._URI_PREFIXES, "ram://"))
    monkeypatch.setattr(gpath, "_URI_SCHEMES", gpath._URI_SCHEMES | {"ram"})
    monkeypatch.setitem(gpath._URI_MAP_ROOT, "ram://", "/ram/")
    monkeypatch.setitem(gpath._PREFIX_TO_BACKEND, "ram", backend.tf_backend)
    monkeypatch.setattr(backend, "tf_backend", RamBackend())
    folder = storage.path("ram://bucket/work")
    folder.mkdir(parents=True)
    yield folder
    folder.rmtree()


@pytest.mark.slow
def test_the_steps_on_beam_give_the_same_as_on_a_disk(ram, tmp_path_factory):
    in_memory = small_experiment.in_memory(tmp_path_factory)
    small_experiment.run(ram, in_memory / "weights", THREADS)
    found = small_experiment.records(ram)
    assert [len(records) for records in found.values()] == [352, 132, 130]
    assert found == small_experiment.records(in_memory / "work")
    assert small_experiment.results(ram) == small_experiment.results(in_memory / "work")
    assert (ram / "evaluation/pictures/episode.png").exists()
    left = {str(path).removeprefix(str(ram)) for path in ram.iterdir()}
    assert left == {"/backbone", "/data", "/episodes", "/evaluation", "/features", "/model"}


def test_images_are_read_from_remote_storage(ram):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "png")
    for name in ("cat", "dog"):
        (ram / "images" / name).mkdir(parents=True)
        (ram / "images" / name / "1.png").write_bytes(png.getvalue())
    classes = list_class_folders(storage.absolute(f"{ram}/images"))
    assert list(classes) == ["cat", "dog"]
    # Pickled, as on its way to a worker
    files = by_id("dog", classes["dog"], storage.absolute(f"{ram}/images"))
    ((key, example),) = read_class(pickle.loads(pickle.dumps(("dog", files))), 8)
    assert key == "dog/1.png"
    np.testing.assert_array_equal(example["image"], pixels)


def step(run, remote=True):
    return Step("embed", "features", (), (), run, remote=remote)


def test_a_step_is_finished_by_its_record_alone(ram):
    def fail(context):
        (context.folder / "half").write_text("written")
        raise UserError("no more")

    def succeed(context):
        assert not (context.folder / "half").exists()
        (context.folder / "whole").write_text("written")
        return {"images": 1}

    with pytest.raises(UserError, match="no more"):
        execution.execute(step(fail), Configuration({}), ram)
    assert not (ram / "features/step.json").exists()
    assert execution.execute(step(succeed), Configuration({}), ram)
    assert not execution.execute(step(fail), Configuration({}), ram)
    assert json.loads((ram / "features/step.json").read_text())["counts"] == {"images": 1}
    assert sorted(p.name for p in (ram / "features").iterdir()) == ["step.json", "whole"]


def test_a_step_that_needs_a_disk_is_refused(ram):
    words = "embed cannot write ram://bucket/work/features, it works on a disk: run it with a"
    with pytest.raises(UserError, match=words):
        execution.execute(step(dict, remote=False), Configuration({}), ram)
    assert not list(ram.iterdir())
