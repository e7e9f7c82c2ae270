"""A step reads exactly the fields that it declares: they decide whether its result is reused."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from configs import exported, features, glyphs, photographs, spinning_lines
from sib_tf.backbones import registry
from sib_tf.datasets.pacs import small_raw_files
from sib_tf.experiments import families
from sib_tf.experiments.configuration import Configuration, flattened
from sib_tf.experiments.execution import execute
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Step
from tests.experiments import small_adaptation, small_experiment, small_export, small_head
from tests.experiments.mean_colour import MeanColour

# The name selects the section; digests stand for the content of files.
READ_EARLIER = {"data.name", "data.sha256", "model.sha256", "weights.sha256"}


class Recording(Configuration):
    """Lets a step read everything, and records the paths of the fields that it reads."""

    def __init__(self, values):
        super().__init__(values)
        self.found = set()

    def only(self, paths):
        return _Recorder(super().only(paths)._values, self)


class _Recorder(Configuration):
    def __init__(self, values, whole):
        super().__init__(values)
        self.whole = whole

    def __getattr__(self, name):
        value, found = getattr(self.whole, name), self.whole.found
        if dataclasses.is_dataclass(value):
            return _recorded(value, name, found)
        found.add(name)
        return value


def _recorded(section, name, found):
    fields = {field.name for field in dataclasses.fields(section)}

    class Recorded(type(section)):
        def __getattribute__(self, attribute):
            if attribute in fields:
                found.add(f"{name}.{attribute}")
            return super().__getattribute__(attribute)

    recorded = object.__new__(Recorded)
    vars(recorded).update(vars(section))
    return recorded


def fields(config, paths):
    """The paths of all fields under `paths`."""
    return {path for path, _ in flattened(config.record(paths))}


def few_shot_steps(folder):
    del folder
    config = small_experiment.trained_config()
    contained = [
        step
        for kind in ("features", "images")
        for step in families.steps_of(
            config, "build_episodes", Options(splits=("test",), materialize=kind)
        )
    ]
    return config, [*families.steps(config), *contained]


def ready_steps(folder):
    config = photographs.get_config()
    config.model.file = small_head.save(folder)
    config.phi.update(backbone="mean_colour", crop_size=16)
    return config, families.steps(config)


def exported_steps(folder):
    config = exported.get_config()
    config.model.folder, config.data.root = small_export.save(folder), str(folder / "data")
    for name in ("black", "white"):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (32, 32), name).save(folder / f"data/{name}/{number}.png")
    config.grid.update(ways=(2,), shots=(1,), queries=(2, 80), episodes=2)
    config.grid.methods = ("prototypes", "sib")
    return config, families.steps(config)


def features_steps(folder):
    config = features.get_config()
    rows = np.random.default_rng(0).normal(size=(12, 3))
    np.savez(folder / "mine.npz", features=rows, labels=np.repeat([0, 1], 6))
    config.data.file, config.model.file = str(folder / "mine.npz"), small_head.save(folder)
    config.grid.update(ways=(2,), shots=(1,), queries=(2, 80), episodes=2)
    config.grid.methods = ("prototypes", "sib")
    return config, families.steps(config)


def regression_steps(folder=None):
    del folder
    config = spinning_lines.get_config()
    training = {"steps": 4, "steps_per_epoch": 4, "steps_per_call": 2, "episodes_per_step": 2}
    config.meta.update(training)
    config.tasks.update({"train": 4, "test": 4})
    return config, families.steps(config)


def adaptation_steps(folder):
    config = small_adaptation.config(small_raw_files.write_raw_files(folder, size=20))
    config.features.views = 2
    config.eval.variants = ("transferred_rotation", "rotation")
    config.model.file = small_head.save(folder)
    return config, families.steps(config)


@pytest.fixture(scope="module")
def mean_colour():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BACKBONES, "mean_colour", MeanColour)
        yield


@pytest.fixture(
    scope="module",
    params=[
        few_shot_steps,
        features_steps,
        exported_steps,
        ready_steps,
        regression_steps,
        adaptation_steps,
    ],
)
def finished(request, tmp_path_factory, mean_colour):
    """The config of an experiment, and each of its steps with the paths that it has read."""
    config, steps = request.param(tmp_path_factory.mktemp("files"))
    checked = families.read(config)
    folder, found = tmp_path_factory.mktemp("work"), []
    for step in steps:
        recording = Recording(checked._values)
        assert execute(step, recording, folder)
        found.append((step, recording.found))
    return checked, found


@pytest.mark.slow
def test_a_step_reads_nothing_but_what_it_declares(finished):
    config, steps = finished
    for step, found in steps:
        undeclared = found - fields(config, (*step.all_reads(), *step.consults))
        assert not undeclared, step.folder


@pytest.mark.slow
def test_a_step_reads_all_that_it_declares(finished):
    config, steps = finished
    for step, found in steps:
        unread = fields(config, (*step.reads, *step.consults)) - found
        assert unread <= READ_EARLIER, step.folder


@pytest.mark.slow
def test_every_field_of_a_config_is_read_by_a_step(finished):
    config, steps = finished
    everything = fields(config, [*config._values]) - {"manual_dir"} - READ_EARLIER
    assert everything <= set.union(*(found for _, found in steps))


@pytest.mark.parametrize("path", ["seed", "tasks", "meta"])
def test_a_step_that_declares_less_than_it_reads_fails_and_names_it(tmp_path, path):
    config, (train, _) = regression_steps()
    less = dataclasses.replace(train, reads=tuple(read for read in train.reads if read != path))
    with pytest.raises(AttributeError, match=f"^{path} is not among the sections that are read: "):
        execute(less, families.read(config), tmp_path)
    assert not (tmp_path / "model").exists()


def test_a_step_reads_only_the_declared_fields_of_a_section(tmp_path):
    config = families.read(glyphs.get_config("tiny"))
    declared = {"reads": ("eval.episodes",), "consults": ("meta.step_size",)}

    def read(path):
        section, field = path.split(".")
        step = Step("read", path, requires=(), run=run, **declared).with_options(
            section=section, field=field
        )
        return execute(step, config, tmp_path)

    def run(context, section, field):
        return {"value": getattr(getattr(context.config, section), field)}

    assert read("eval.episodes")
    assert read("meta.step_size")
    for path in ("eval.num_steps", "meta.num_steps"):
        with pytest.raises(AttributeError, match="no attribute 'num_steps'"):
            read(path)


def changed(path, value):
    config = glyphs.get_config("tiny")
    config.update_from_flattened_dict({path: value})
    return families.read(config)


def records(config, *jobs):
    """What the steps of some jobs record of a config, by folder."""
    steps = [step for step in families.steps(glyphs.get_config("tiny")) if step.name in jobs]
    assert {step.name for step in steps} == {*jobs}
    return {step.folder: config.record(step.all_reads()) for step in steps}


OWN = {
    "episodes.way": 4,
    "episodes.shot": 5,
    "episodes.queries_per_class": 10,
    "episodes.queries": 50,
    "episodes.dirichlet_alpha": 1.0,
    "meta.synthetic_gradient": "set",
    "meta.hidden_units": 8,
    "meta.num_steps": 1,
    "meta.step_size": 0.01,
    "meta.query_shares": "mixture",
    "meta.feature_noise": 0.5,
    "meta.train_episodes": 10,
    "meta.validation_episodes": 10,
    "meta.steps": 4500,
    "meta.episodes_per_step": 2,
    "meta.steps_per_call": 50,
    "meta.steps_per_epoch": 1000,
    "meta.learning_rate": 0.1,
    "meta.l2": 0.0,
    "meta.optimizer": "adam",
    "meta.clip_norm": 1.0,
    "eval.episodes": 10,
    "eval.query_shares": ("dirichlet",),
    "eval.num_steps": 7,
    "eval.methods": ("sib", "prototypes", "pt_map"),
    "export.name": "mine",
    "export.max_queries": 100,
}


def test_all_fields_that_experiments_do_not_share_are_varied():
    config = families.read(glyphs.get_config("tiny"))
    of_other_networks = {"meta.initialization", "meta.ways", "meta.shots", "meta.queries"}
    varied = fields(config, ["episodes", "meta", "eval", "export"]) - of_other_networks
    assert OWN.keys() == varied


@pytest.mark.parametrize(("path", "value"), OWN.items(), ids=str)
def test_experiments_share_data_backbone_and_features_whatever_their_tasks(path, value):
    config, other = families.read(glyphs.get_config("tiny")), changed(path, value)
    for shared in ("build_dataset", "pretrain", "embed"):
        assert records(other, shared) == records(config, shared)
    assert records(other, "export") != records(config, "export")


@pytest.mark.parametrize(
    ("path", "value"),
    {
        "seed": 1,
        "data.seed": 1,
        "data.images_per_class": 100,
        "phi.backbone": "conv4_64",
        "phi.epochs": 3,
        "phi.l2": 0.0,
        "phi.selection_way": 3,
        "phi.selection_queries": 25,
    }.items(),
)
def test_another_backbone_has_other_features(path, value):
    config, other = families.read(glyphs.get_config("tiny")), changed(path, value)
    for step in ("pretrain", "embed"):
        before, after = records(config, step), records(other, step)
        assert all(before[folder] != after[folder] for folder in before)


def test_views_only_affect_features_of_training_images():
    config, other = families.read(glyphs.get_config("tiny")), changed("features.views", 3)
    before, after = (records(one, "pretrain", "embed") for one in (config, other))
    assert [folder for folder in before if before[folder] != after[folder]] == ["features/train"]


def test_episodes_depend_on_no_count_of_another_split():
    config = families.read(glyphs.get_config("tiny"))
    for split, path in (("train", "meta.train_episodes"), ("test", "eval.episodes")):
        before, after = (records(one, "build_episodes") for one in (config, changed(path, 10)))
        other = {folder for folder in before if before[folder] != after[folder]}
        assert other == {folder for folder in before if folder.startswith(f"episodes/{split}-")}
