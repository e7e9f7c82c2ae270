from sib_tf.base import digest

OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_files_are_digested_one_after_the_other(tmp_path):
    contents = {"first": b"ab", "empty": b"", "last": b"c"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert digest.sha256([tmp_path / name for name in contents]) == OF_ABC
    assert digest.sha256([tmp_path / name for name in reversed(contents)]) != OF_ABC
