"""The step that evaluates, on Beam, against a loop in this process."""

import pytest

from sib_tf.base import keras_file
from sib_tf.experiments import families
from sib_tf.features import feature_table
from sib_tf.few_shot import evaluation
from sib_tf.few_shot.episodes.reader import read_table
from sib_tf.few_shot.methods.sib import SIB
from tests.experiments import small_experiment


@pytest.mark.slow
def test_evaluation_on_beam_equals_that_in_process(tmp_path_factory):
    work = small_experiment.in_memory(tmp_path_factory) / "work"
    model = keras_file.load(work / "model/model.keras")
    spec = families.read(small_experiment.config()).episodes.spec("dirichlet")
    episodes = read_table(work / "episodes/test-dirichlet/records", spec, 130)
    table = feature_table.read(work / "features/test/records")
    found = evaluation.classify_episodes(SIB(model), table, episodes, num_steps=1)
    expected = [row for row in small_experiment.results(work) if row["method"] == "sib"]
    assert [row["num_steps"] for row in expected] == [0, 1]
    for row, probabilities in zip(expected, found.probabilities, strict=True):
        measured = {
            **evaluation.accuracy(probabilities, found.labels),
            **evaluation.calibration(probabilities, found.labels),
        }
        assert {name: row[name] for name in measured} == measured
