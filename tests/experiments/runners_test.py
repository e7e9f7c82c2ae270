"""Every Beam runner gives the same records and accuracies, with any number of workers."""

import json
import logging
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from dask.distributed import LocalCluster

from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.beam.counters import counted, counter
from sib_tf.beam.records import record_files
from sib_tf.experiments import families
from sib_tf.features import feature_table
from sib_tf.few_shot import evaluation
from sib_tf.few_shot.episodes.reader import read_table
from sib_tf.few_shot.methods.sib import SIB
from tests.experiments import small_experiment

THREADS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")


@pytest.fixture(scope="module")
def dask():
    """Options of the Dask runner with two worker processes."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        address = f"--dask_client_address={cluster.scheduler_address}"
        yield ("--runner=DaskRunner", address, "--dask_npartitions=3")


@pytest.fixture(params=["in memory", "threads", "dask"])
def beam_args(request):
    if request.param == "dask":
        return request.getfixturevalue("dask")
    return THREADS if request.param == "threads" else ()


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory):
    return small_experiment.in_memory(tmp_path_factory)


@pytest.fixture(scope="module")
def weights(in_memory):
    return in_memory / "weights"


@pytest.fixture(scope="module")
def one_worker(in_memory):
    return in_memory / "work"


@pytest.mark.slow
@pytest.mark.parametrize("beam_args", ["threads", "dask"], indirect=True)
def test_the_runner_does_not_matter(one_worker, weights, tmp_path, beam_args, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)  # not the current folder of the workers
    folder = Path("work")
    caplog.set_level(logging.INFO, "sib_tf")
    small_experiment.run(folder, weights, beam_args)
    found, expected = small_experiment.records(folder), small_experiment.records(one_worker)
    # 22 images of each of 5 + 5 + 6 classes; those of the test split are embedded.
    sizes = {name: len(records) for name, records in expected.items()}
    assert sizes == {"data": 352, "features": 132, "episodes": 130}
    assert found == expected
    assert small_experiment.results(folder) == small_experiment.results(one_worker)
    assert not list(tmp_path.rglob("*beam-temp*"))
    said = [m.removeprefix("Workers counted ") for m in caplog.messages if "counted" in m]
    assert said == ["352 images.", "130 episodes.", "132 images.", "130 episodes."]


@pytest.mark.slow
def test_evaluation_on_beam_equals_that_in_process(one_worker):
    model = keras_file.load(one_worker / "model/model.keras")
    spec = families.read(small_experiment.config()).episodes.spec("dirichlet")
    episodes = read_table(one_worker / "episodes/test-dirichlet/records", spec, 130)
    table = feature_table.read(one_worker / "features/test/records")
    found = evaluation.classify_episodes(SIB(model), table, episodes, num_steps=1)
    expected = [row for row in small_experiment.results(one_worker) if row["method"] == "sib"]
    assert [row["num_steps"] for row in expected] == [0, 1]
    for row, probabilities in zip(expected, found.probabilities, strict=True):
        measured = {
            **evaluation.accuracy(probabilities, found.labels),
            **evaluation.calibration(probabilities, found.labels),
        }
        assert {name: row[name] for name in measured} == measured


class Tally(beam.DoFn):
    """Yields the sum of a bundle at its end, and large numbers to a separate output."""

    def start_bundle(self):
        self._sum = 0

    def process(self, number):
        counter("numbers").inc()
        self._sum += number
        if number > 97:
            yield beam.pvalue.TaggedOutput("large", number)

    def finish_bundle(self):
        yield beam.transforms.window.GlobalWindows.windowed_value(self._sum)


def write(text, folder, name):
    with beam.io.filesystems.FileSystems.create(f"{folder}/{name}") as file:
        file.write(text.encode())


def test_every_runner_implements_beams_model(tmp_path, beam_args):
    """Ends of bundles, several outputs, side inputs, combiners and keys of all kinds."""
    options = runner.options(beam_args)
    with beam.Pipeline(options=options) as pipeline:
        sums = (
            pipeline
            | beam.Create(range(100))
            | beam.Reshuffle()
            | beam.ParDo(Tally()).with_outputs("large", main="sums")
        )
        total = sums.sums | "Total" >> beam.CombineGlobally(sum)
        largest = sums.large | beam.combiners.ToList()
        _ = (
            total
            | beam.Map(
                lambda n, large: json.dumps([n, sorted(large)]), beam.pvalue.AsSingleton(largest)
            )
            | "Write total" >> beam.Map(write, tmp_path, "total")
        )
        _ = (
            pipeline
            | "Pairs" >> beam.Create([(key, n) for n in range(9) for key in (None, "a", b"a", 7)])
            | beam.GroupByKey()
            | beam.MapTuple(lambda key, numbers: f"{key}: {sorted(numbers)}")
            | "Lines" >> beam.combiners.ToList()
            | beam.Map(lambda lines: "\n".join(sorted(lines)))
            | "Write groups" >> beam.Map(write, tmp_path, "groups")
        )
    assert json.loads((tmp_path / "total").read_text()) == [4950, [98, 99]]
    numbers = list(range(9))
    expected = [f"{key}: {numbers}" for key in (7, None, "a", b"a")]
    assert (tmp_path / "groups").read_text().split("\n") == expected
    assert counted(pipeline.result) == {"numbers": 100}


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UserError("folder/7.png cannot be read: remove it."), UserError),
        (tf.errors.ResourceExhaustedError(None, None, "folder/7; No space left"), OSError),
    ],
)
def test_errors_of_workers_come_out_as_one_line(dask, error, kind):
    with (
        pytest.raises(kind) as caught,
        runner.plain_errors(),
        beam.Pipeline(options=runner.options(dask)) as pipeline,
    ):
        _ = pipeline | beam.Create([error]) | beam.Map(fail)
    assert str(caught.value) == getattr(error, "message", str(error))


@pytest.mark.parametrize("num_shards", [0, 1, 3])
def test_shards_hold_every_record_once(dask, tmp_path, num_shards):
    records = beam.Map(lambda n: b"%d" % n)
    runner.write_records(tmp_path / "r", range(20), records, num_shards=num_shards, beam_args=dask)
    files = [str(file) for file in record_files(tmp_path)]
    assert len(files) == (num_shards or 3)  # one for each bundle
    found = tf.data.TFRecordDataset(files).as_numpy_iterator()
    assert sorted(found) == sorted(b"%d" % n for n in range(20))


def test_windows_are_refused(dask):
    with (
        pytest.raises(NotImplementedError, match="knows no windows"),
        beam.Pipeline(options=runner.options(dask)) as pipeline,
    ):
        _ = pipeline | beam.Create([1]) | beam.WindowInto(beam.window.FixedWindows(1))
