"""The classifier, evaluated on test episodes with Beam."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.base import keras_file
from sib_tf.datasets import prepared, sources
from sib_tf.experiments import report_files
from sib_tf.experiments.few_shot.backbone import backbone_curves, features_folder
from sib_tf.experiments.few_shot.classifier import model_curves, model_file
from sib_tf.experiments.few_shot.data import prepared_data
from sib_tf.experiments.few_shot.episodes import episodes_folder
from sib_tf.experiments.step import Context, Step
from sib_tf.features.feature_table import network_of
from sib_tf.few_shot import evaluation, predictions
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.image_files import write_episode
from sib_tf.few_shot.report import html_report, results_table
from sib_tf.few_shot.report.shown_episode import ShownEpisode

_FOLDER = "evaluation"


def evaluate_step(train: Step, embed: Sequence[Step], episodes: Sequence[Step]) -> Step:
    """Evaluates all methods on the same test episodes, and writes the report."""
    return Step(
        "evaluate",
        _FOLDER,
        reads=("eval",),
        requires=(train, *embed, *episodes),
        run=_run,
        remote=True,
        report=True,
    )


def report_of(context: Context) -> dict[str, Any]:
    """The content of the report."""
    return json.loads((context.workdir / _FOLDER / report_files.REPORT).read_text())


def kept_episode(context: Context) -> Path:
    """The images of the first test episode: `support/CLASS/` and `query/`."""
    return context.workdir / _FOLDER / "episode"


def _run(context: Context) -> dict[str, Any]:
    config = context.config
    model = keras_file.load(model_file(context))
    results, shown = [], None
    for shares in config.eval.query_shares:
        episodes, found = _predict(context, shares)
        results += _rows(context, shares, episodes, found)
        of_model = evaluation.of_trained_model(found).probabilities
        shown = shown or (episodes, of_model[: model.num_steps + 1, 0])
    content = {
        "dataset": sources.title(config.data),
        "backbone": network_of(features_folder(context, "test")) or config.phi.backbone,
        "split": "test",
        "episodes": len(shown[0]),
        "seed": config.seed,
        "num_steps": model.num_steps,
        "step_size": model.step_size,
        "results": results,
    }
    table = results_table.markdown(content)
    report_files.write(context.folder, content, table, "Accuracy on test episodes")
    episode = _keep_and_show(context, *shown)
    html_report.write(context.folder / "report.html", content, _curves(context), episode)
    return {"episodes": len(shown[0]) * len(config.eval.query_shares)}


def _predict(
    context: Context, shares: str
) -> tuple[EpisodeTable, dict[str, evaluation.Predictions]]:
    config = context.config
    return predictions.classify_on_beam(
        context.folder / "predictions",
        methods=config.eval.methods,
        model=model_file(context),
        num_steps=config.eval.num_steps,
        features=features_folder(context, "test"),
        episodes=episodes_folder(context, "test", shares),
        spec=config.episodes.spec(shares),
        count=config.eval.episodes,
        beam_args=context.beam_args,
    )


def _rows(
    context: Context,
    shares: str,
    episodes: EpisodeTable,
    found: dict[str, evaluation.Predictions],
) -> list[dict]:
    config = context.config
    setting = {
        "way": config.episodes.way,
        "shot": config.episodes.shot,
        "query": episodes.query_ids.shape[1],
        "query_shares": shares,
    }
    return evaluation.rows(
        found,
        setting,
        trained_steps=config.meta.num_steps,
        synthetic_gradient=config.meta.synthetic_gradient,
        train_query_shares=config.meta.query_shares,
    )


def _keep_and_show(
    context: Context, episodes: EpisodeTable, probabilities: np.ndarray
) -> ShownEpisode:
    """Keeps the images of the first episode as files, and describes it for the report."""
    builder = prepared.builder_of(prepared_data(context))
    names, first = prepared.class_names(builder), episodes.part(0, 1)
    return write_episode(
        context.folder / "episode",
        first,
        encoded_images=prepared.read_encoded_images(builder, "test", first.image_ids),
        class_names=[names[label] for label in episodes.classes[0]],
        probabilities=probabilities,
    )


def _curves(context: Context) -> dict[str, dict[str, list[float]]]:
    files = {"pretraining": backbone_curves(context), "meta-training": model_curves(context)}
    # What is imported, not trained, has none.
    return {phase: json.loads(f.read_text()) for phase, f in files.items() if f.exists()}
