"""Valid and invalid values of TF_CONFIG."""

import json

import pytest

from sib_tf.base.errors import UserError
from sib_tf.training.devices import cluster

WORKERS = ["a:1", "b:2"]


def set_config(monkeypatch, jobs, kind="worker", index=0):
    config = {"cluster": jobs, "task": {"type": kind, "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))


def test_the_first_worker_is_the_chief(monkeypatch):
    for index in (0, 1):
        set_config(monkeypatch, {"worker": WORKERS}, index=index)
        found = cluster.from_environment()
        assert found == cluster.Cluster(("a:1", "b:2"), index)
        assert found.is_chief == (index == 0)


@pytest.mark.parametrize(("kind", "index", "expected"), [("chief", 0, 0), ("worker", 0, 1)])
def test_a_chief_comes_before_the_workers(monkeypatch, kind, index, expected):
    set_config(monkeypatch, {"worker": WORKERS, "chief": ["c:3"]}, kind, index)
    assert cluster.from_environment() == cluster.Cluster(("c:3", "a:1", "b:2"), expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not set"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "cannot be read .*cluster"),
        ('{"cluster": {"worker": ["a:1"]}}', "cannot be read .*task"),
        ('{"cluster": 3, "task": {"type": "worker", "index": 0}}', "cannot be read"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}', "be read"),
    ],
)
def test_a_malformed_tf_config_is_refused(monkeypatch, text, words):
    monkeypatch.setenv("TF_CONFIG", text)
    assert_refused(words)


@pytest.mark.parametrize(
    ("jobs", "kind", "index", "words"),
    [
        ({"worker": WORKERS}, "worker", 2, "has no worker 2 in its cluster"),
        ({"worker": WORKERS}, "worker", -1, "has no worker -1 in its cluster"),
        ({"worker": WORKERS}, "chief", 0, "has no chief 0 in its cluster"),
        ({"worker": WORKERS, "ps": ["c:3"]}, "worker", 0, "jobs other than chief and worker"),
        ({"worker": WORKERS, "chief": ["c:3", "d:4"]}, "worker", 0, "more than one chief"),
        ({"worker": ["a:1", "a:1"]}, "worker", 0, "an address twice"),
        ({"worker": ["a"]}, "worker", 0, "the address 'a', which is not HOST:PORT"),
        ({"worker": ["a:b"]}, "worker", 0, "the address 'a:b', which is not HOST:PORT"),
        ({"worker": [1]}, "worker", 0, "the address 1, which is not HOST:PORT"),
        ({"worker": "a:1"}, "worker", 0, "no list of addresses for worker"),
    ],
)
def test_an_invalid_cluster_is_refused(monkeypatch, jobs, kind, index, words):
    set_config(monkeypatch, jobs, kind, index)
    assert_refused(words)


def assert_refused(words):
    with pytest.raises(UserError, match=f"^--strategy=multi_worker: TF_CONFIG .*{words}") as error:
        cluster.from_environment()
    assert '{"worker": ["HOST:PORT", "HOST:PORT"]}' in str(error.value)
    assert len(str(error.value).splitlines()) == 1
