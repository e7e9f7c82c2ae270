"""A bad config is refused before anything runs."""

import pytest

from configs import glyphs_tiny
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base.errors import UserError
from sib_tf.experiments import families, pipeline, settings


def make_config(**fields):
    config = glyphs_tiny.get_config()
    config.update({"train_steps": 200, "steps_per_epoch": 100, "steps_per_call": 20, **fields})
    return config


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"synthetic_gradient": "sparse"},
            r'config\.synthetic_gradient="sparse".*"dense" or "set"',
        ),
        ({"num_steps": -1}, r"config\.num_steps=-1 must be at least 0"),
        ({"step_size": 0.0}, r"config\.step_size=0\.0 must be positive"),
        ({"step_size": float("nan")}, r"config\.step_size=nan must be positive"),
        ({"l2": float("inf")}, r"config\.l2=inf must be .*finite"),
        ({"color_jitter": float("inf")}, r"config\.color_jitter=inf must be .*finite"),
        ({"step_size": float("inf")}, r"config\.step_size=inf must be .*finite"),
        ({"learning_rate": float("inf")}, r"config\.learning_rate=inf must be .*finite"),
        ({"dirichlet_alpha": float("nan")}, r"config\.dirichlet_alpha=nan must be positive"),
        ({"seed": -1}, r"config\.seed=-1 must be at least 0"),
        ({"seed": 2**32}, r"config\.seed=4294967296 must be .*less than 2\*\*32"),
        ({"eval_num_steps": 2}, r"config\.eval_num_steps=2 must be at least config\.num_steps=3"),
        ({"views": 0}, r"config\.views=0 must be at least 1"),
        ({"steps_per_call": 0}, r"config\.steps_per_call=0 must be at least 1"),
        (
            {"steps_per_call": 30},
            r"config\.steps_per_epoch=100 must be a multiple.*steps_per_call=30",
        ),
        ({"train_steps": 150}, r"config\.train_steps=150 must be a multiple.*steps_per_epoch=100"),
        ({"episodes_per_step": 0}, r"config\.episodes_per_step=0 must be at least 1"),
        ({"learning_rate": -1.0}, r"config\.learning_rate=-1\.0 must be positive"),
        ({"l2": -1.0}, r"config\.l2=-1\.0 must be at least 0"),
        ({"pretrain_epochs": 0}, r"config\.pretrain_epochs=0 must be at least 1"),
        ({"pretrain_batch_size": 0}, r"config\.pretrain_batch_size=0 must be at least 1"),
        ({"pretrain_learning_rate": 0.0}, r"config\.pretrain_learning_rate=0\.0 must be positive"),
        ({"pretrain_warmup_steps": -1}, r"config\.pretrain_warmup_steps=-1 must be at least 0"),
        ({"backbone": "wrn_12_1"}, r'config\.backbone="wrn_12_1" cannot have the depth 12'),
        (
            {"backbone": "conv4_64", "crop_size": 15},
            r'config\.crop_size=15 is too small for config\.backbone="conv4_64": .*at least 16',
        ),
        ({"crop_size": 0}, r"config\.crop_size=0 must be at least 1"),
        ({"crop_padding": -1}, r"config\.crop_padding=-1 must be at least 0"),
        (
            {"average_shift": 32, "crop_size": 32},
            r"config\.average_shift=32 .* less than config\.crop_size=32",
        ),
        (
            {"pretrain_precision": "float16"},
            r'config\.pretrain_precision="float16" is unknown: use float32 or mixed_bfloat16',
        ),
        ({"average_shift": -1}, r"config\.average_shift=-1 must be at least 0"),
        ({"color_jitter": -0.1}, r"config\.color_jitter=-0\.1 must be at least 0"),
        ({"validation_episodes": 0}, r"config\.validation_episodes=0 must be at least 1"),
        ({"way": 1}, r"config\.way must be at least 2"),
        ({"queries": 76}, r"config\.queries=76 cannot be shared equally by 5 classes"),
        ({"test_query_shares": ("even",)}, r"shares must be one of .*'even'"),
        ({"test_query_shares": ()}, r"config\.test_query_shares is empty"),
    ],
)
def test_a_bad_field_is_named_by_every_job(fields, words):
    config = make_config(**fields)
    with pytest.raises(UserError, match=words) as error:
        pipeline.steps(config)
    assert len(str(error.value).splitlines()) == 1
    with pytest.raises(UserError, match=words):
        families.steps_of(config, "build_dataset")
    with pytest.raises(UserError, match=words):
        pipeline.episode_steps(config)


def test_a_field_that_the_config_lacks_is_named():
    config = make_config()
    del config.step_size
    with pytest.raises(UserError, match="no field `step_size`"):
        pipeline.steps(config)


def test_no_steps_at_all_are_the_inductive_baseline():
    pipeline.steps(make_config(num_steps=0, eval_num_steps=0))


@pytest.mark.parametrize(("queries", "expected"), [(76, 75), (75, 75), (79, 75), (3, 5)])
def test_selection_episodes_are_balanced_whatever_the_experiment_asks(queries, expected):
    config = make_config(
        queries=queries, shot=5, train_query_shares="dirichlet", test_query_shares=("dirichlet",)
    )
    settings.check(config)
    spec = settings.selection_spec(config)
    assert (spec.way, spec.shot, spec.queries, spec.shares) == (5, 1, expected, "balanced")
    assert settings.episode_spec(config, "dirichlet").queries == queries


def test_crops_of_a_padded_image_are_shifts_of_its_centre():
    # 84 pixels padded by 8 on each side are 100; 80 of them start at 0 .. 20, the centre at 10.
    config = make_config(crop_size=80, crop_padding=8, color_jitter=0.0)
    assert settings.augmentation(config, image_size=84) == Augmentation(10, False, 0.0)
