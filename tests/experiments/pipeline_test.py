"""The whole pipeline, as a user runs it, on a miniature of the glyphs data set."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from configs import glyphs
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.experiments.options import Options
from sib_tf.few_shot.report import results_table
from sib_tf.serving import model_card, warmup
from tests.experiments import tiny_run
from tests.experiments.tiny_run import TINY
from tests.running import Running, job

pytestmark = pytest.mark.slow


def last_line(result):
    return result.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The working directory of a whole run, and its completed process."""
    return tiny_run.copy(tmp_path_factory)


@pytest.fixture(scope="module")
def workdir(finished):
    return finished[0]


def test_report_has_a_row_for_each_method_steps_and_shares(workdir):
    report = json.loads((workdir / "evaluation/report.json").read_text())
    assert (report["dataset"], report["backbone"], report["split"]) == (
        "glyphs",
        "conv4_16",
        "test",
    )
    assert (report["episodes"], report["seed"]) == (100, 0)
    found = {(r["method"], r["num_steps"], r["query_shares"]) for r in report["results"]}
    expected = {("prototypes", 0), *(("sib", k) for k in range(4))}
    assert found == {(*e, shares) for e in expected for shares in ("balanced", "dirichlet")}
    for row in report["results"]:
        assert (row["way"], row["shot"], row["query"]) == (5, 1, 75)
        assert 0 < row["accuracy"] < 1
        assert 0 < row["ci95"] < 0.2
        assert 0 <= row["ece"] <= 1
        assert row["seconds"] > 0
    assert (workdir / "evaluation/report.html").stat().st_size > 10_000


def test_the_report_names_the_network_that_the_weights_hold(workdir, tmp_path):
    import keras

    (tmp_path / "weights").mkdir()
    shutil.copy(workdir / "model/model.keras", tmp_path / "weights")
    # As many features as conv4_16 of the config has: 4 x 4 positions of 4 channels.
    layers = [keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 8, 8), keras.layers.Flatten()]
    phi = keras.Sequential(layers, name="mobilenet_of_a_user")
    phi.save(tmp_path / "weights/backbone.keras")
    shutil.copytree(workdir / "data", tmp_path / "work/data")
    config = glyphs.get_config("tiny")
    config.eval.update(episodes=10, query_shares=("balanced",))
    for step in families.steps(config, Options(weights=tmp_path / "weights")):
        if step.name not in ("export", "predict"):
            execute(step, families.read(config), tmp_path / "work")
    report = json.loads((tmp_path / "work/evaluation/report.json").read_text())
    assert report["backbone"] == "mobilenet_of_a_user"
    assert "mobilenet_of_a_user" in (tmp_path / "work/evaluation/report.html").read_text()


def test_the_model_has_learnt_and_steps_help(workdir):
    report = json.loads((workdir / "evaluation/report.json").read_text())
    accuracy = {(r["method"], r["num_steps"], r["query_shares"]): r for r in report["results"]}
    accuracy = {key: row["accuracy"] for key, row in accuracy.items()}
    # One standard error of 100 episodes is about one point; five classes make 20 % by chance.
    for shares in ("balanced", "dirichlet"):
        assert accuracy["prototypes", 0, shares] > 0.35
        assert accuracy["sib", 0, shares] > 0.35
    assert accuracy["sib", 3, "balanced"] > accuracy["sib", 0, "balanced"]


def test_the_baseline_is_that_of_the_raw_images(workdir):
    """Computes the accuracy from the images of the data set, without stored features."""
    import keras

    from sib_tf.datasets import prepared

    builder = prepared.builder_of(data_folder(workdir))
    labels = prepared.read_labels(builder, "test")
    images = prepared.read_images(builder, "test", np.arange(len(labels)))
    phi = keras.saving.load_model(workdir / "backbone/backbone.keras", compile=False)
    features = phi.predict(images, verbose=0)
    features /= np.linalg.norm(features, axis=-1, keepdims=True)
    report = json.loads((workdir / "evaluation/report.json").read_text())
    for shares in ("balanced", "dirichlet"):
        episodes = stored_episodes(workdir, shares)
        right = []
        for classes, support, query in zip(
            episodes.classes, episodes.support_ids, episodes.query_ids, strict=True
        ):
            np.testing.assert_array_equal(labels[support], classes)  # one shot
            nearest = np.argmax(features[query] @ features[support].T, axis=-1)
            right.append(classes[nearest] == labels[query])
        (row,) = (
            row
            for row in report["results"]
            if (row["method"], row["query_shares"]) == ("prototypes", shares)
        )
        # Two of the 7,500 predictions may differ.
        assert row["accuracy"] == pytest.approx(np.mean(right), abs=2.5 / 7500)


def test_every_step_leaves_its_record_and_nothing_unfinished(workdir):
    embedded = [f"features/{split}" for split in ("train", "validation", "test")]
    others = ("data", "backbone", "model", "evaluation", "export", "prediction")
    for folder in (*embedded, *others):
        record = json.loads((workdir / folder / "step.json").read_text())
        assert record["packages"]["tensorflow"]
        assert record["seconds"] > 0
    assert not list(workdir.rglob("*.part"))


def test_a_run_logs_its_steps_and_nothing_of_its_libraries(finished):
    _, result = finished
    steps = "build_dataset|build_episodes|pretrain|embed|train|evaluate|export|predict"
    own = re.compile(
        rf"\d\d:\d\d:\d\d (({steps}): (writing /|done in )|epoch \d+ of \d+: |Workers counted )"
        rf"|\d\d:\d\d:\d\d \d+ of 13: ({steps})$"
        r"|\d\d:\d\d:\d\d Accuracy on test episodes:$"
        r"|\|.+\|$"  # the table of accuracies
    )
    lines = result.stderr.splitlines()
    assert [line for line in lines if not own.match(line)] == []
    assert lines[-1].split(" ", 1)[1].startswith("predict: done")
    assert result.stdout == ""


def test_no_class_is_in_two_splits(workdir):
    from sib_tf.features import feature_table

    labels = {
        s: set(feature_table.read(workdir / "features" / s / "records").labels)
        for s in ("train", "validation", "test")
    }
    assert {s: len(found) for s, found in labels.items()} == {
        "train": 24,
        "validation": 5,
        "test": 5,
    }
    assert len(set.union(*labels.values())) == 34


def test_predictions_agree_with_the_model_and_sum_to_one(workdir):
    with (workdir / "prediction/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 75
    for row in rows:
        probabilities = {k: float(v) for k, v in row.items() if k.startswith("p(")}
        assert len(probabilities) == 5
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
        assert max(probabilities, key=probabilities.get) == f"p({row['label']})"


def test_predictions_from_files_are_those_of_the_report(workdir):
    """Through image files, SavedModel and csv, the first episode is classified as in evaluation."""
    import keras

    from sib_tf.datasets import prepared
    from sib_tf.features import feature_table
    from sib_tf.few_shot import evaluation
    from sib_tf.few_shot.methods.sib import SIB

    episodes = stored_episodes(workdir)
    model = keras.saving.load_model(workdir / "model/model.keras")
    expected = evaluation.classify_episodes(
        SIB(model.for_serving()),  # as in the SavedModel
        feature_table.read(workdir / "features/test/records"),
        episodes,
        num_steps=3,
    ).probabilities[-1, 0]
    names = prepared.class_names(prepared.builder_of(data_folder(workdir)))
    with (workdir / "prediction/predictions.csv").open() as file:
        header, *rows = csv.reader(file)
    of_episode = [f"p({n}_{names[label]})" for n, label in enumerate(episodes.classes[0])]
    assert header[:3] == ["file", "label", "status"]
    assert header[7:] == of_episode
    found = np.array([row[7:] for row in rows], float)
    # float32 features have errors of about 1e-6, so logits, ten times a cosine, of about 1e-5.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def stored_episodes(workdir, shares="balanced"):
    """The test episodes: 100 of them, 5-way 1-shot, with 75 queries."""
    from sib_tf.few_shot.episodes import reader
    from sib_tf.few_shot.episodes.sampling import EpisodeSpec

    folder = workdir / f"episodes/test-{shares}/records"
    return reader.read_table(folder, EpisodeSpec(5, 1, 75, shares), count=100)


def test_classes_too_small_for_other_episodes_are_refused(workdir, tmp_path):
    config = glyphs.get_config("tiny")
    config.episodes.shot = 70
    (train, *_) = families.steps_of(config, "build_episodes")
    words = r"has 80 images \(the first of 24 such classes\), an episode needs 85 of each class"
    with pytest.raises(UserError, match=words):
        execute(train, families.read(config), tmp_path, base=workdir)
    assert not (tmp_path / train.folder).exists()


def test_episodes_leave_nothing_but_their_records(workdir):
    for folder in (workdir / "episodes").iterdir():
        assert sorted(path.name for path in folder.iterdir()) == ["records", "step.json"]


def data_folder(workdir):
    """Folder of the data set that TFDS has prepared."""
    return next((workdir / "data/glyphs").glob("seed_*/*/dataset_info.json")).parent


def test_saved_model_has_all_signatures(workdir):
    import tensorflow as tf

    model = tf.saved_model.load(str(workdir / "export/glyphs_tiny/1"))
    assert sorted(model.signatures) == ["embed", "encoded", "features", "serving_default"]
    out = model.signatures["serving_default"](
        support_images=tf.zeros([2, 7, 32, 32, 3], tf.uint8),
        support_labels=tf.constant([[0, 1, 2, 3, 4, 0, 1]] * 2),
        query_images=tf.zeros([2, 3, 32, 32, 3], tf.uint8),
    )
    assert out["probabilities"].shape == (2, 3, 5)
    assert out["labels"].dtype == tf.int32
    assert out["inductive_probabilities"].shape == (2, 3, 5)


def test_an_export_is_published_as_the_next_version(workdir, tmp_path):
    exported = workdir / "export/glyphs_tiny/1"
    (tmp_path / "glyphs_tiny/3").mkdir(parents=True)
    result = job("export", TINY, f"--workdir={workdir}", f"--serving={tmp_path}")
    assert result.returncode == 0, result.stderr
    published = tmp_path / "glyphs_tiny/4"
    assert str(published) in result.stdout
    files = {p.relative_to(exported) for p in exported.rglob("*")}
    assert {p.relative_to(published) for p in published.rglob("*")} == files
    assert {warmup.FILE, model_card.FILE} <= files
    card = (published / model_card.FILE).read_text()
    accuracy = results_table.markdown(json.loads((workdir / "evaluation/report.json").read_text()))
    assert accuracy in card
    assert "Trained on 24 classes" in card


def test_finished_steps_are_skipped(workdir):
    before = {p: p.stat().st_mtime_ns for p in workdir.rglob("step.json")}
    result = job("pipeline", TINY, f"--workdir={workdir}")
    assert result.returncode == 0, result.stderr
    assert {p: p.stat().st_mtime_ns for p in workdir.rglob("step.json")} == before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--config.meta.step_size=0.5"], ["config.meta.step_size=0.001", "0.5", "--workdir"]),
        (["--config.meta.stepsize=0.5"], ["stepsize", "step_size"]),
        (["--config.data.name=imagenet"], ["config.data.name", "imagenet", "glyphs"]),
        (["--config.step_size=0.5"], ["--config has no field 'step_size'"]),
    ],
)
def test_config_errors_are_one_line_that_names_the_field(workdir, args, words):
    result = job("train", TINY, f"--workdir={workdir}", *args)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in last_line(result)


def test_a_job_without_its_input_names_the_job_to_run(tmp_path):
    result = job("train", TINY, f"--workdir={tmp_path}")
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "is missing: run `python -m jobs." in last_line(result)


def test_a_missing_config_file_is_named(tmp_path):
    result = job("train", "--config=configs/nope.py", f"--workdir={tmp_path}")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert last_line(result).endswith("--config=configs/nope.py cannot be loaded: no such file")


def test_too_few_images_of_a_class_are_named(workdir, tmp_path):
    shared, own = f"--base={workdir}", f"--workdir={tmp_path}"
    result = job("build_episodes", TINY, shared, own, "--config.episodes.queries_per_class=80")
    assert result.returncode == 1
    assert 'Class "U+' in last_line(result)
    assert "of the train split has 80 images" in last_line(result)
    assert not list(tmp_path.glob("episodes/*/step.json"))


def test_num_shards_warns_that_finished_folders_do_not_change(workdir):
    folder = workdir / "episodes/validation-balanced"
    before = sorted((folder / "records").iterdir())
    result = job(
        "build_episodes", TINY, f"--workdir={workdir}", "--split=validation", "--num_shards=97"
    )
    assert result.returncode == 0
    assert "--num_shards=97 changes no finished folder" in result.stderr
    assert f"first delete {folder}." in result.stderr
    assert sorted((folder / "records").iterdir()) == before


def test_killed_training_resumes_to_the_same_weights(workdir, tmp_path):
    """Kills `train` in a copy of the working directory after its first epoch and reruns it."""
    copy = tmp_path / "copy"
    others = shutil.ignore_patterns("model", "evaluation", "export", "prediction")
    shutil.copytree(workdir, copy, ignore=others)
    running = Running("jobs.train", TINY, f"--workdir={copy}")
    running.wait_for(copy / "model.part/checkpoints/ckpt-1.index")
    running.kill()
    result = job("train", TINY, f"--workdir={copy}")
    assert result.returncode == 0, result.stderr
    assert weights(copy) == weights(workdir)
    assert (copy / "model/curves.json").exists()


def weights(workdir):
    import keras

    import sib_tf  # noqa: F401, registers the model's class

    model = keras.saving.load_model(workdir / "model/model.keras")
    return [np.asarray(w).tobytes() for w in model.get_weights()]


def test_self_contained_episodes_classify_like_the_stored_features(workdir):
    import keras

    from sib_tf.features import feature_table
    from sib_tf.few_shot.batches import episode_batches
    from sib_tf.few_shot.episodes import reader
    from sib_tf.few_shot.episodes.sampling import EpisodeSpec

    result = job(
        "build_episodes",
        TINY,
        f"--workdir={workdir}",
        "--split=test",
        "--materialize=features",
        "--num_shards=1",
    )
    assert result.returncode == 0, result.stderr
    model = keras.saving.load_model(workdir / "model/model.keras").for_serving()
    folder = workdir / "episodes/test-balanced-features/records"
    contained = reader.self_contained(folder, EpisodeSpec(5, 1, 75), "features", batch_size=100)
    by_id = episode_batches(
        feature_table.read(workdir / "features/test/records"),
        stored_episodes(workdir),
        batch_size=100,
    )
    one, other = model.predict(contained, verbose=0), model.predict(by_id, verbose=0)
    # Records of a shard come in no particular order: compare the episodes as a set.
    by_sum = [np.argsort(x.reshape(100, -1).sum(1)) for x in (one, other)]
    np.testing.assert_allclose(one[by_sum[0]], other[by_sum[1]], rtol=0, atol=1e-9)


def test_self_contained_images_are_those_of_the_ids(workdir):
    import tensorflow as tf

    from sib_tf.beam.records import parsed_batches, record_files
    from sib_tf.datasets import prepared
    from sib_tf.few_shot.episodes import reader, schema
    from sib_tf.few_shot.episodes.sampling import EpisodeSpec

    result = job(
        "build_episodes", TINY, f"--workdir={workdir}", "--split=validation", "--materialize=images"
    )
    assert result.returncode == 0, result.stderr
    folder = workdir / "episodes/validation-balanced-images/records"
    builder = prepared.builder_of(data_folder(workdir))
    images = prepared.read_images(builder, "validation", np.arange(5 * 80))
    spec = EpisodeSpec(5, 1, 75)
    parsed = next(
        parsed_batches(
            record_files(folder), lambda r: schema.parse(r, spec, "images"), batch_size=10
        )
    )
    inputs, _ = next(iter(reader.self_contained(folder, spec, "images", batch_size=10)))
    for part in ("support", "query"):
        ids = parsed[f"{part}/id"].numpy()
        np.testing.assert_array_equal(inputs[f"{part}_images"], images[ids])
    assert inputs["support_labels"].dtype == tf.int32
