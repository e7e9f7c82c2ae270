"""From the fields of a config to the settings of each step.

`check` makes all of them, so that a bad field is refused in the first second and not hours later,
when its step has its turn.
"""

from ml_collections import ConfigDict

from sib_tf.backbones import feature_network
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, finite, positive
from sib_tf.few_shot.episodes.sampling import EpisodeSpec
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.regression.tasks import LineFamily
from sib_tf.training import meta_training, pretraining

_SYNTHETIC_GRADIENTS = ("dense", "set")


def check(config: ConfigDict) -> None:
    """Refuses a config with a field that cannot be, as far as one can tell without the data.

    Raises:
        UserError: names the field.
    """
    at_least(
        1,
        views=config.views,
        train_episodes=config.train_episodes,
        validation_episodes=config.validation_episodes,
        test_episodes=config.test_episodes,
    )
    _check_seed(config)
    if not config.test_query_shares:
        raise UserError('config.test_query_shares is empty: name one, such as "balanced".')
    for shares in (config.train_query_shares, *config.test_query_shares):
        episode_spec(config, shares)
    selection_spec(config)
    # The size of the images comes with the data; any will do here.
    pretraining_settings(config, image_size=config.crop_size)
    _check_task_model(config)
    training_settings(config)
    _check_eval_num_steps(config)


def check_lines(config: ConfigDict) -> None:
    """Refuses a config of the zero-shot regression with a field that cannot be.

    Raises:
        UserError: names the field.
    """
    _check_seed(config)
    at_least(1, train_tasks=config.train_tasks, test_tasks=config.test_tasks)
    finite(test_mu=config.test_mu)  # which a family knows as its mu
    for split in ("train", "test"):
        line_family(config, split)
    at_least(1, num_steps=config.num_steps)  # without a step xi has no gradient
    positive(step_size=config.step_size)
    training_settings(config)
    _check_eval_num_steps(config)


def _check_seed(config: ConfigDict) -> None:
    if not 0 <= config.seed < 2**32:  # what NumPy takes
        raise UserError(f"config.seed={config.seed} must be at least 0 and less than 2**32.")


def _check_eval_num_steps(config: ConfigDict) -> None:
    if config.eval_num_steps < config.num_steps:
        raise UserError(
            f"config.eval_num_steps={config.eval_num_steps} must be at least "
            f"config.num_steps={config.num_steps}, which the model is trained for."
        )


def line_family(config: ConfigDict, split: str) -> LineFamily:
    """The tasks of the zero-shot regression; those of the "test" split have a mu of their own."""
    mu = config.test_mu if split == "test" else config.mu
    return LineFamily(config.num_points, mu, config.sigma, config.mu_w, config.sigma_w)


def episode_spec(config: ConfigDict, shares: str) -> EpisodeSpec:
    """Episodes whose queries come in these shares."""
    return EpisodeSpec(
        way=config.way,
        shot=config.shot,
        queries=_queries(config),
        shares=shares,
        alpha=config.dirichlet_alpha,
    )


def selection_spec(config: ConfigDict) -> EpisodeSpec:
    """The 1-shot, balanced episodes that choose phi, whatever episodes it is meant for."""
    per_class = max(1, _queries(config) // config.way)
    return EpisodeSpec(way=config.way, shot=1, queries=per_class * config.way)


def _queries(config: ConfigDict) -> int:
    return config.queries or config.way * config.queries_per_class


def augmentation(config: ConfigDict, image_size: int) -> Augmentation:
    """Random crops as shifts: phi takes the centre of what is as large as the stored image."""
    at_least(0, crop_padding=config.crop_padding, color_jitter=config.color_jitter)
    shift = config.crop_padding + (image_size - config.crop_size) // 2
    return Augmentation(shift, config.flip, config.color_jitter)


def pretraining_settings(config: ConfigDict, image_size: int) -> pretraining.Settings:
    """How phi is trained on images of this size.

    Raises:
        UserError: a field cannot be, or not with images of this size.
    """
    feature_network.refuse_large_crop(config.crop_size, image_size)
    return pretraining.Settings(
        backbone=config.backbone,
        epochs=config.pretrain_epochs,
        batch_size=config.pretrain_batch_size,
        learning_rate=config.pretrain_learning_rate,
        warmup_steps=config.pretrain_warmup_steps,
        l2=config.l2,
        crop_size=config.crop_size,
        augmentation=augmentation(config, image_size),
        average_shift=config.average_shift,
        precision=config.pretrain_precision,
        seed=config.seed,
    )


def task_model(config: ConfigDict, feature_dim: int) -> FewShotClassifier:
    """A fresh model to meta-train, for features [..., D = feature_dim]."""
    _check_task_model(config)
    return FewShotClassifier(
        config.way,
        feature_dim,
        num_steps=config.num_steps,
        step_size=config.step_size,
        synthetic_gradient=config.synthetic_gradient,
        hidden=config.hidden_units,
    )


def _check_task_model(config: ConfigDict) -> None:
    at_least(0, num_steps=config.num_steps)
    positive(step_size=config.step_size)
    if config.hidden_units is not None:
        at_least(1, hidden_units=config.hidden_units)
    if config.synthetic_gradient not in _SYNTHETIC_GRADIENTS:
        raise UserError(
            f'config.synthetic_gradient="{config.synthetic_gradient}" is unknown: use "dense" or '
            '"set".'
        )


def training_settings(config: ConfigDict) -> meta_training.Settings:
    """How the task model is meta-trained."""
    train_l2 = config.get("train_l2")  # spinning lines have no phi, hence a single l2
    return meta_training.Settings(
        steps=config.train_steps,
        episodes_per_step=config.episodes_per_step,
        steps_per_call=config.steps_per_call,
        steps_per_epoch=config.steps_per_epoch,
        learning_rate=config.learning_rate,
        l2=config.l2 if train_l2 is None else train_l2,
    )
