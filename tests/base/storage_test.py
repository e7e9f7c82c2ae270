import pickle
from pathlib import Path

import pytest

from sib_tf.base import storage
from sib_tf.base.errors import UserError


def test_a_name_is_a_plain_path_or_a_url():
    assert type(storage.path("work/tiny")) is type(Path("work/tiny"))
    bucket = storage.path("gs://bucket/work")
    assert str(bucket / "data" / "x") == "gs://bucket/work/data/x"
    assert storage.is_remote(bucket.with_name("other").parent)
    assert str(pickle.loads(pickle.dumps(bucket))) == "gs://bucket/work"
    assert not storage.is_remote(Path("gs:/bucket"))


def test_the_absolute_name_of_a_url_is_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("images") == tmp_path / "images"
    assert str(storage.absolute("gs://bucket/images")) == "gs://bucket/images"


@pytest.mark.parametrize("name", ["nowhere://bucket/work", "s3://bucket/work", "ram://work"])
def test_a_file_system_unknown_to_tensorflow_or_epath_is_refused(name):
    # Only TensorFlow knows ram://, only epath s3://.
    with pytest.raises(UserError, match=f"{name}: no file system"):
        storage.path(name)
