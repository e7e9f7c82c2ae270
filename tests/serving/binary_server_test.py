"""Cleaning up after TensorFlow Serving."""

import tempfile

from tests.serving.model_server import binary


def test_no_file_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(binary, "COMMAND", "true")
    server = binary.BinaryServer(tmp_path, "glyphs", 1, 2, batching="max_batch_size { value: 8 }")
    assert len(list(tmp_path.iterdir())) == 1
    server.stop()
    assert not list(tmp_path.iterdir())
