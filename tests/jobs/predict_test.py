"""Flags of `jobs.predict`."""

import pytest

from tests.running import job

FOLDERS = ("--support=a", "--query=b", "--output=c")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "work/photographs/export/photographs: is not there yet: run `make photographs`"),
        (("--steps=3",), "flag --steps=3: an exported model takes its own number of steps, or 0"),
        (("--link",), "--link is a way to sort: name a folder by --sort_into."),
        (("--token_file=t",), "Certificates and tokens are for a server: name --server."),
        (("--server=localhost:1",), "A server has models: name one by --model."),
    ],
)
def test_an_error_is_one_line(tmp_path, args, words):
    result = job("predict", *FOLDERS, *args, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert words in line
