import os
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


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in (storage.path, storage.local, storage.absolute):
        assert place("~/work") == tmp_path / "work"
        assert place("~") == tmp_path
    assert storage.local("a/~") == Path("a/~")


def test_the_home_of_nobody_is_refused():
    with pytest.raises(UserError, match=r"^~nobody-at-all/work: there is no home ~nobody-at-all"):
        storage.path("~nobody-at-all/work")


def test_a_name_in_an_object_store_is_no_local_one():
    with pytest.raises(UserError, match=r"^gs://bucket/work: is in an object store"):
        storage.local("gs://bucket/work")


def test_tensorflow_takes_no_name_that_is_not_utf8(tmp_path, monkeypatch):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in (folder, "work"):
        with pytest.raises(UserError, match=r"caf\\udce9(/work)?: is no UTF-8"):
            storage.path(name)
    assert storage.absolute("images") == folder / "images"


@pytest.mark.parametrize("name", ["nowhere://bucket/work", "s3://bucket/work", "ram://work"])
def test_a_file_system_unknown_to_tensorflow_or_epath_is_refused(name):
    # Only TensorFlow knows ram://, only epath s3://.
    with pytest.raises(UserError, match=f"{name}: no file system"):
        storage.path(name)
