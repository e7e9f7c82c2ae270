"""Any TFDS data set as one with class-disjoint splits."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError
from sib_tf.datasets import preparation, prepared
from sib_tf.datasets.prepared import SPLITS
from sib_tf.datasets.tfds.tfds_dataset_builder import Settings

CLASSES = [f"of/{n}" for n in range(6)]
LISTED = {f"{split}_classes": (f"of_{n}", f"of_{n + 3}") for n, split in enumerate(SPLITS)}


def shade(label, n):
    """The grey of an image, by which it is known again."""
    return 40 * label + 10 * n


class Shades(tfds.core.GeneratorBasedBuilder):
    """Grey images of one shade, with a second label, a mask and images without label."""

    VERSION = tfds.core.Version("1.2.3")
    BUILDER_CONFIGS = [  # noqa: RUF012 (TFDS' convention)
        tfds.core.BuilderConfig(name="plain"),
        tfds.core.BuilderConfig(name="with_depth"),
    ]

    def _info(self):
        features = {
            "picture": tfds.features.Image(shape=(None, None, 1)),
            "kind": tfds.features.ClassLabel(names=CLASSES),
            "mask": tfds.features.LabeledImage(labels=2, shape=(None, None, 1)),
            "parity": tfds.features.Scalar(np.int64),
        }
        if self.builder_config.name == "with_depth":
            features["depth"] = tfds.features.Image(shape=(None, None, 1), dtype=np.float32)
            features["half"] = tfds.features.ClassLabel(num_classes=2)
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples([0, 1]),
            "holdout": self._generate_examples([2], unlabelled=1),
        }

    def _generate_examples(self, numbers, unlabelled=0):
        labelled = [(label, n) for label in range(len(CLASSES)) for n in numbers]
        for label, n in [*labelled, *[(-1, 0)] * unlabelled]:
            picture = np.full((12, 10, 1), shade(max(label, 0), n), np.uint8)
            example = {"picture": picture, "kind": label, "mask": picture // 255, "parity": n % 2}
            if self.builder_config.name == "with_depth":
                example.update(depth=np.zeros((2, 2, 1), np.float32), half=label // 3)
            yield f"{label}/{n}", example


class Reviews(tfds.core.GeneratorBasedBuilder):
    """No images."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"text": tfds.features.Text(), "stars": tfds.features.ClassLabel(num_classes=5)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        raise NotImplementedError

    def _generate_examples(self):
        raise NotImplementedError


class Broken(Shades):
    """Cannot be downloaded."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = []  # noqa: RUF012 (TFDS' convention)

    def _info(self):
        features = {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=CLASSES),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        raise ConnectionError("the archive is gone\nfor good")


def settings(**fields):
    return Settings(name="tfds", image_size=8, **fields)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Where TFDS keeps its data sets."""
    return tmp_path_factory.mktemp("tensorflow_datasets")


def shades_of(builder):
    """Split -> class -> shades of its images; they are of one colour each."""
    names, found = prepared.class_names(builder), {}
    for split in SPLITS:
        labels = prepared.read_labels(builder, split)
        images = prepared.read_images(builder, split, np.arange(len(labels)))
        assert images.shape[1:] == (8, 8, 3)
        assert (images == images[:, :1, :1, :1]).all()
        found[split] = {}
        for image, label in zip(images, labels, strict=True):
            found[split].setdefault(names[label], []).append(int(image[0, 0, 0]))
    return {s: {name: sorted(each) for name, each in of.items()} for s, of in found.items()}


EXPECTED = {
    split: {f"of_{n}": [shade(n, i) for i in range(3)] for n in (first, first + 3)}
    for first, split in enumerate(SPLITS)
}


def test_a_registered_data_set_is_prepared_joined_and_divided(data_dir, tmp_path):
    how = settings(dataset="shades/plain:1.2.3", data_dir=str(data_dir), **LISTED)
    builder = how.builder(tmp_path / "data")
    counts = preparation.prepare(builder, manual_dir=None)
    assert counts == dict.fromkeys(SPLITS, 6)
    assert prepared.class_names(builder) == [f"of_{n}" for n in range(6)]
    assert shades_of(prepared.builder_of(prepared.prepared_in(tmp_path / "data"))) == EXPECTED
    assert (data_dir / "shades/plain/1.2.3/dataset_info.json").exists()


def test_a_prepared_data_set_is_read_from_its_folder_alone(tmp_path):
    source = Shades(data_dir=tmp_path / "source", config="plain", file_format="array_record")
    source.download_and_prepare()
    with_other_name = tmp_path / "elsewhere"
    source.data_path.rename(with_other_name)
    builder = settings(data_dir=str(with_other_name), **LISTED).builder(tmp_path / "data")
    preparation.prepare(builder, manual_dir=None)
    assert shades_of(builder) == EXPECTED


def test_of_several_labels_the_config_names_one(tmp_path):
    named = {"dataset": "shades/with_depth", "data_dir": str(tmp_path)}
    words = (
        r'^config\.data\.label="" must name one of the features of shades/with_depth/1\.2\.3: kind '
        r"or half\.$"
    )
    with pytest.raises(UserError, match=words):
        settings(**named).builder(tmp_path / "data")
    builder = settings(**named, label="kind").builder(tmp_path / "data")
    assert prepared.class_names(builder) == [f"of_{n}" for n in range(6)]
    with pytest.raises(UserError, match=r'^config\.data\.label="parity" must name'):
        settings(**named, label="parity").builder(tmp_path / "data")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"dataset": "reviews"},
            r"^reviews/1\.0\.0 is no image classification: it has no image, only text \(Text\), "
            r"stars \(ClassLabel\); take another data set\.$",
        ),
        ({"dataset": "shade"}, r'^TFDS knows no data set shade: did you mean "shades".*\?$'),
        (
            {"dataset": "qqqq"},
            r"^TFDS knows no data set qqqq: see https://tensorflow\.org/datasets",
        ),
        ({"dataset": "shades:7.0.0"}, r"^TFDS cannot load .* at version 7\.0\.0, only: 1\.2\.3"),
        (
            {"dataset": "shades/bright"},
            r"^TFDS cannot load the data set shades/bright: it has no config bright; did you mean "
            r'"plain" or "with_depth"\?$',
        ),
        ({"dataset": "shades/plane:1.2.3"}, r'has no config plane; did you mean "plain"\?$'),
        ({"dataset": "reviews/plain"}, r"^TFDS cannot load .* reviews/plain: it has no configs\.$"),
        ({"dataset": "no name"}, r"^TFDS cannot load the data set no name: Parsing"),
        ({}, r"^config\.data\.dataset is empty: name a data set of TFDS"),
        ({"data_dir": "/absent"}, r"^/absent: holds no dataset_info\.json; name "),
    ],
)
def test_what_is_no_image_classification_is_refused_in_one_line(fields, words, tmp_path):
    with pytest.raises(UserError, match=words) as error:
        settings(**fields).builder(tmp_path)
    assert "\n" not in str(error.value)


def test_a_damaged_folder_is_named(tmp_path):
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(UserError, match=rf"^{tmp_path}: is damaged \(.*\); prepare it again\.$"):
        settings(data_dir=str(tmp_path)).builder(tmp_path / "data")


def test_a_class_that_is_not_there_is_refused_before_anything_is_prepared(data_dir, tmp_path):
    lists = {**LISTED, "test_classes": ("of_9",)}
    builder = settings(dataset="shades", data_dir=str(tmp_path), **lists).builder(tmp_path / "data")
    with pytest.raises(UserError, match=r"^test_classes: there is no class 'of_9'"):
        preparation.prepare(builder, manual_dir=None)
    assert not (tmp_path / "shades").exists()


def test_a_data_set_that_cannot_be_had_is_named(tmp_path):
    builder = settings(dataset="broken", data_dir=str(tmp_path)).builder(tmp_path / "data")
    words = r"^TFDS cannot prepare broken/1\.0\.0 \(the archive is gone for good\): give --"
    with pytest.raises(UserError, match=words):
        preparation.prepare(builder, manual_dir=None)
