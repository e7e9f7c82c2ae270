"""Configs of before there were sections, which finished steps and published reports still hold."""

from collections.abc import Mapping
from typing import Any

_MOVED = {
    "dataset": "data.name",
    "data_seed": "data.seed",
    "images_per_class": "data.images_per_class",
    "classes": "data.classes",
    "data_dir": "data.root",
    "image_size": "data.image_size",
    "train_classes": "data.train_classes",
    "validation_classes": "data.validation_classes",
    "test_classes": "data.test_classes",
    "backbone": "phi.backbone",
    "pretrain_epochs": "phi.epochs",
    "pretrain_batch_size": "phi.batch_size",
    "pretrain_learning_rate": "phi.learning_rate",
    "pretrain_warmup_steps": "phi.warmup_steps",
    "pretrain_precision": "phi.precision",
    "crop_size": "phi.crop_size",
    "crop_padding": "phi.crop_padding",
    "flip": "phi.flip",
    "color_jitter": "phi.color_jitter",
    "average_shift": "phi.average_shift",
    "views": "features.views",
    "way": "episodes.way",
    "shot": "episodes.shot",
    "queries_per_class": "episodes.queries_per_class",
    "queries": "episodes.queries",
    "dirichlet_alpha": "episodes.dirichlet_alpha",
    "train_query_shares": "meta.query_shares",
    "train_episodes": "meta.train_episodes",
    "validation_episodes": "meta.validation_episodes",
    "synthetic_gradient": "meta.synthetic_gradient",
    "hidden_units": "meta.hidden_units",
    "num_steps": "meta.num_steps",
    "step_size": "meta.step_size",
    "train_steps": "meta.steps",
    "episodes_per_step": "meta.episodes_per_step",
    "steps_per_call": "meta.steps_per_call",
    "steps_per_epoch": "meta.steps_per_epoch",
    "learning_rate": "meta.learning_rate",
    "test_query_shares": "eval.query_shares",
    "test_episodes": "eval.episodes",
    "eval_num_steps": "eval.num_steps",
    "export_name": "export.name",
    "num_points": "tasks.num_points",
    "mu": "tasks.mu",
    "sigma": "tasks.sigma",
    "mu_w": "tasks.mu_w",
    "sigma_w": "tasks.sigma_w",
    "test_mu": "tasks.test_mu",
    "train_tasks": "tasks.train",
    "test_tasks": "tasks.test",
}
_DATASETS = {"image_folder": "class_folders"}  # names that have changed
_LINES = "spinning_lines"  # a data set by name only
_SPLIT = {"l2", "train_l2"}


def in_sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config in sections, nested.

    Args:
        config: fields of a flat config, all or some; or one in sections, which stays as it is.
    """
    if not config.keys() & (_MOVED.keys() | _SPLIT):
        return dict(config)
    moved: dict[str, Any] = {}
    for field, value in config.items():
        if field in _MOVED:
            _put(moved, _MOVED[field], value)
        elif field not in _SPLIT:
            moved[field] = value
    if config.get("dataset") == _LINES:
        moved["family"] = "regression"
        del moved["data"]
    elif "dataset" in config:
        _put(moved, "data.name", _DATASETS.get(config["dataset"], config["dataset"]))
    _split_l2(moved, config)
    _add_selection(moved, config)
    return moved


def _put(nested: dict[str, Any], path: str, value: Any) -> None:
    section, field = path.split(".")
    nested.setdefault(section, {})[field] = value


def _split_l2(moved: dict[str, Any], config: Mapping[str, Any]) -> None:
    """One `l2` was that of phi, and of meta-training unless `train_l2` said otherwise."""
    if "l2" not in config:
        return
    if "phi" in moved:
        _put(moved, "phi.l2", config["l2"])
    if "meta" in moved:
        own = config.get("train_l2")
        _put(moved, "meta.l2", config["l2"] if own is None else own)


def _add_selection(moved: dict[str, Any], config: Mapping[str, Any]) -> None:
    """The episodes that choose phi were those of the experiment, balanced."""
    if "phi" not in moved or "way" not in config:
        return
    way = config["way"]
    queries = config.get("queries") or way * config["queries_per_class"]
    _put(moved, "phi.selection_way", way)
    _put(moved, "phi.selection_queries", way * max(1, queries // way))
