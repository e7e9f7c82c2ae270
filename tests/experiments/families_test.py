"""An invalid config is refused before anything runs; a valid one gives the steps of its family."""

import pytest
from ml_collections import ConfigDict

from configs import glyphs
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.few_shot.backbone import selection_spec
from sib_tf.experiments.options import Options

TRAINING = {"meta.steps": 200, "meta.steps_per_epoch": 100, "meta.steps_per_call": 20}


def make_config(fields=None):
    """The tiny glyphs config with fields changed, by path."""
    config = glyphs.get_config("tiny")
    config.update_from_flattened_dict({**TRAINING, **(fields or {})})
    return config


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"meta.synthetic_gradient": "sparse"},
            r'config\.meta\.synthetic_gradient="sparse" is unknown: use "dense" or "set"',
        ),
        ({"meta.num_steps": -1}, r"config\.meta\.num_steps=-1 must be at least 0"),
        ({"meta.step_size": 0.0}, r"config\.meta\.step_size=0\.0 must be positive"),
        ({"meta.step_size": float("nan")}, r"config\.meta\.step_size=nan must be positive"),
        ({"meta.step_size": float("inf")}, r"config\.meta\.step_size=inf must be .*finite"),
        ({"meta.learning_rate": float("inf")}, r"config\.meta\.learning_rate=inf must be .*finite"),
        ({"meta.learning_rate": -1.0}, r"config\.meta\.learning_rate=-1\.0 must be positive"),
        ({"meta.l2": float("inf")}, r"config\.meta\.l2=inf must be .*finite"),
        ({"meta.l2": -1.0}, r"config\.meta\.l2=-1\.0 must be at least 0"),
        ({"meta.hidden_units": 0}, r"config\.meta\.hidden_units=0 must be at least 1"),
        ({"meta.episodes_per_step": 0}, r"config\.meta\.episodes_per_step=0 must be at least 1"),
        ({"meta.steps_per_call": 0}, r"config\.meta\.steps_per_call=0 must be at least 1"),
        (
            {"meta.steps_per_call": 30},
            r"config\.meta\.steps_per_epoch=100 must be a multiple of .*steps_per_call=30",
        ),
        (
            {"meta.steps": 150},
            r"config\.meta\.steps=150 must be a multiple of .*steps_per_epoch=100",
        ),
        ({"meta.train_episodes": 0}, r"config\.meta\.train_episodes=0 must be at least 1"),
        ({"meta.validation_episodes": 0}, r"config\.meta\.validation_episodes=0 must be at least"),
        (
            {"meta.query_shares": "even"},
            r'config\.meta\.query_shares: .*="even" is unknown: use "bal',
        ),
        ({"seed": -1}, r"config\.seed=-1 must be at least 0"),
        ({"seed": 2**32}, r"config\.seed=4294967296 must be .*less than 2\*\*32"),
        ({"features.views": 0}, r"config\.features\.views=0 must be at least 1"),
        ({"phi.epochs": -1}, r"config\.phi\.epochs=-1 must be at least 0"),
        ({"phi.batch_size": 0}, r"config\.phi\.batch_size=0 must be at least 1"),
        ({"phi.learning_rate": 0.0}, r"config\.phi\.learning_rate=0\.0 must be positive"),
        ({"phi.warmup_steps": -1}, r"config\.phi\.warmup_steps=-1 must be at least 0"),
        ({"phi.l2": float("inf")}, r"config\.phi\.l2=inf must be .*finite"),
        ({"phi.l2": -1.0}, r"config\.phi\.l2=-1\.0 must be at least 0"),
        ({"phi.backbone": "vit"}, r'config\.phi\.backbone="vit" is unknown: use conv4_WIDTH'),
        (
            {"phi.backbone": "wrn_12_1"},
            r'config\.phi\.backbone="wrn_12_1" cannot have the depth 12',
        ),
        (
            {"phi.backbone": "conv4_64", "phi.crop_size": 15},
            r'config\.phi\.crop_size=15 is too small for .*backbone="conv4_64": .*at least 16',
        ),
        ({"phi.crop_size": -1}, r"config\.phi\.crop_size=-1 must be at least 0"),
        ({"phi.crop_size": 0}, r"config\.phi\.crop_size=0 is too small for .*: .*at least 16"),
        ({"phi.crop_padding": -1}, r"config\.phi\.crop_padding=-1 must be at least 0"),
        (
            {"phi.average_shift": 32, "phi.crop_size": 32},
            r"config\.phi\.average_shift=32 .* less than .*crop_size=32",
        ),
        ({"phi.average_shift": -1}, r"config\.phi\.average_shift=-1 must be at least 0"),
        (
            {"phi.precision": "float16"},
            r'config\.phi\.precision="float16" is unknown: use float32 or mixed_bfloat16',
        ),
        ({"phi.color_jitter": -0.1}, r"config\.phi\.color_jitter=-0\.1 must be at least 0"),
        ({"phi.color_jitter": float("inf")}, r"config\.phi\.color_jitter=inf must be .*finite"),
        ({"phi.selection_way": 1}, r"config\.phi\.selection_way .*way=1 must be at least 2"),
        (
            {"phi.selection_queries": 0},
            r"config\.phi\..*selection_queries: queries=0 must be at least 1",
        ),
        ({"episodes.way": 1}, r"config\.episodes\.way=1 must be at least 2"),
        ({"episodes.shot": 0}, r"config\.episodes\.shot=0 must be at least 1"),
        (
            {"meta.query_shares": "even"},
            r'config\.meta\.query_shares: .*="even" is unknown: use',
        ),
        (
            {"eval.methods": ("sib", "oracle")},
            r'config\.eval\.method="oracle" is unknown: use "prototypes" or',
        ),
        (
            {"eval.methods": ("prototypes",)},
            r'config\.eval\.methods=\[.prototypes.\] lacks the trained model: add "sib"',
        ),
        (
            {"episodes.dirichlet_alpha": float("nan")},
            r"config\.episodes\.dirichlet_alpha=nan must be positive",
        ),
        (
            {"eval.num_steps": 2},
            r"config\.eval\.num_steps=2 must be at least config\.meta\.num_steps=3",
        ),
        ({"eval.episodes": 0}, r"config\.eval\.episodes=0 must be at least 1"),
        (
            {"eval.query_shares": ("even",)},
            r'config\.eval\.query_shares: .*="even" is unknown: use',
        ),
        ({"eval.query_shares": ()}, r"config\.eval\.query_shares is empty"),
        ({"export.name": ""}, r"config\.export\.name='' must be a single word"),
        ({"export.name": "a/b"}, r"config\.export\.name='a/b' must be a single word"),
        ({"data.name": "imagenet"}, r'config\.data\.name="imagenet" is unknown: .*glyphs'),
        ({"data.root": "images"}, r"config\.data\.root is unknown: use name, seed, images_per_cl"),
        ({"phi.epoch": 3}, r"config\.phi\.epoch is unknown: use backbone, crop_size, .*epochs"),
        ({"dataset": "glyphs"}, r"config\.dataset is unknown: see the sections of the config"),
        ({"family": "clustering"}, r'config\.family="clustering" is unknown: .*"few_shot" or'),
    ],
)
def test_an_invalid_field_is_named_by_every_job(fields, words):
    config = make_config(fields)
    with pytest.raises(UserError, match=f"^{words}") as error:
        families.steps(config)
    assert len(str(error.value).splitlines()) == 1
    for job in ("build_dataset", "build_episodes"):
        with pytest.raises(UserError, match=f"^{words}"):
            families.steps_of(config, job)


@pytest.mark.parametrize("path", ["phi.epochs", "meta.learning_rate", "eval.query_shares"])
def test_a_missing_field_is_named(path):
    config = make_config()
    section, field = path.split(".")
    del config[section][field]
    with pytest.raises(UserError, match=f"no field `{section}.{field}`: add it to the config file"):
        families.steps(config)


@pytest.mark.parametrize("section", ["phi", "meta", "eval", "export"])
def test_the_first_field_of_a_missing_section_is_named(section):
    config = make_config()
    del config[section]
    with pytest.raises(UserError, match=rf"no field `{section}\.\w+`: add it to the config file"):
        families.steps(config)


def test_a_config_without_a_family_is_refused():
    known = " or ".join(f'"{name}"' for name in families.FAMILIES)
    words = rf'config\.family="None" is unknown: use {known}'
    for call in (families.read, families.steps):
        with pytest.raises(UserError, match=words):
            call(ConfigDict({"seed": 0, "dataset": "glyphs"}))


def test_omitted_fields_have_the_defaults_of_their_sections():
    config = make_config()
    del config.meta.step_size, config.features, config.phi.precision, config.seed
    found = families.read(config)
    assert (found.meta.step_size, found.features.views, found.seed) == (1e-3, 1, 0)
    assert (found.phi.precision, found.phi.selection_way, found.manual_dir) == ("float32", 5, None)


def test_zero_steps_are_valid_as_the_inductive_baseline():
    assert families.steps(make_config({"meta.num_steps": 0, "eval.num_steps": 0}))


@pytest.mark.parametrize("queries", [76, 75, 79, 3])
def test_selection_episodes_are_balanced_whatever_the_experiment_asks(queries):
    fields = {
        "episodes.queries": queries,
        "episodes.way": 4,
        "episodes.shot": 5,
        "meta.query_shares": "dirichlet",
        "eval.query_shares": ("dirichlet",),
    }
    config = families.read(make_config(fields))
    spec = selection_spec(config.phi)
    assert (spec.way, spec.shot, spec.queries, spec.shares) == (5, 1, 75, "balanced")
    spec = config.episodes.spec("dirichlet")
    assert (spec.way, spec.shot, spec.queries, spec.shares) == (4, 5, queries, "dirichlet")


def test_total_queries_override_queries_per_class():
    fields = {"episodes.way": 4, "episodes.queries_per_class": 6}
    assert families.read(make_config(fields)).episodes.spec("balanced").queries == 24
    fields["episodes.queries"] = 8
    assert families.read(make_config(fields)).episodes.spec("balanced").queries == 8


def test_crops_of_a_padded_image_are_shifts_of_its_centre():
    # 84 pixels padded by 8 on each side are 100; 80 of them start at 0 .. 20, the centre at 10.
    fields = {"phi.crop_size": 80, "phi.crop_padding": 8, "phi.color_jitter": 0.0}
    phi = families.read(make_config(fields)).phi
    assert phi.augmentation(image_size=84) == Augmentation(10, False, 0.0)


def test_options_choose_the_episodes():
    config = make_config()

    def folders(**options):
        steps = families.steps_of(config, "build_episodes", Options(**options))
        return {step.folder: [earlier.name for earlier in step.requires] for step in steps}

    test = ["episodes/test-balanced", "episodes/test-dirichlet"]
    training = ["episodes/train-balanced", "episodes/validation-balanced"]
    assert folders() == {folder: ["build_dataset"] for folder in training + test}
    assert [*folders(splits=("test",))] == test
    assert folders(splits=("train",), materialize="images") == {
        "episodes/train-balanced-images": ["build_dataset"]
    }
    assert folders(splits=("train",), materialize="features") == {
        "episodes/train-balanced-features": ["embed"]
    }


def test_the_steps_of_an_experiment_follow_those_that_they_require():
    steps = families.steps(make_config())
    for place, step in enumerate(steps):
        earlier = [one.folder for one in steps[:place]]
        assert {one.folder for one in step.requires} <= {*earlier}
        assert step.folder not in earlier


def test_a_job_of_another_family_is_refused():
    words = "few-shot classification has no step tune, only build_dataset, build_episodes, pretrain"
    with pytest.raises(UserError, match=words):
        families.steps_of(make_config(), "tune")
