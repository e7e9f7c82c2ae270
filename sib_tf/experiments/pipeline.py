r"""The steps of an experiment: which config fields each reads, and the library call it makes.

raw files -> build_dataset -> pretrain (phi) -> embed (features) -> train -> evaluate, export
                          \-> build_episodes ----------------------^
"""

import dataclasses
import functools
import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow_datasets as tfds
from ml_collections import ConfigDict
from PIL import Image

from sib_tf.base import keras_file, storage
from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.datasets import prepared, sources
from sib_tf.datasets.images import list_class_folders
from sib_tf.datasets.split_labels import ReadLabels
from sib_tf.experiments import publishing, settings, workdir
from sib_tf.experiments.workdir import Context, Step
from sib_tf.features import embedding, feature_table
from sib_tf.few_shot import evaluation, predictions
from sib_tf.few_shot.batches import episode_batches, training_batches
from sib_tf.few_shot.episodes import building as episode_beam
from sib_tf.few_shot.episodes.reader import EpisodeTable, read_table, tabulate
from sib_tf.few_shot.episodes.sampling import examples_by_class, sample
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.few_shot.prototype_accuracy import PrototypeAccuracy
from sib_tf.few_shot.report import html_report, results_table
from sib_tf.few_shot.report.shown_episode import ShownEpisode
from sib_tf.serving import export, model_card, warmup
from sib_tf.serving.predict import prediction
from sib_tf.serving.predict.image_episode import read_episode
from sib_tf.training import meta_training, pretraining
from sib_tf.training.devices import strategies

# Where TFDS keeps downloads for all working directories.
_DOWNLOADS = Path(tfds.core.constants.DATA_DIR) / "downloads"
SPEC_FIELDS = ("way", "shot", "queries_per_class", "queries", "dirichlet_alpha", "seed")


def steps(config: ConfigDict, weights: Path | None = None) -> list[Step]:
    """All steps of an experiment in an order in which they can run.

    Args:
        config: of the experiment.
        weights: folder whose `backbone.keras` and, if it is there, `model.keras` to take instead of
            training them.

    Raises:
        UserError: a field of the config is missing or cannot be; names it.
    """
    phi, train = pretrain_step(config), train_step(config)
    evaluate = _evaluate_step(config, train)
    exported = Step("export", "export", ("export_name",), (train, evaluate), _export)
    predict = Step("predict", "prediction", (), (evaluate, exported), _predict)
    splits = prepared.SPLITS
    if weights:
        if not (weights / pretraining.BACKBONE).exists():
            raise UserError(
                f"--weights={weights} holds no {pretraining.BACKBONE}: name a folder of results."
            )
        phi = _copied(phi, weights / pretraining.BACKBONE)
        if (weights / meta_training.MODEL).exists():
            train = _copied(train, weights / meta_training.MODEL)
            splits = ("test",)
    walk = [
        build_dataset_step(config, splits),
        *_episode_steps(config, splits),
        phi,
        *embed_steps(config, splits),
        train,
        evaluate,
        exported,
        predict,
    ]
    # What is copied needs nothing; of another config it is refused before any work is done.
    copied = [step for step in (phi, train) if not step.requires]
    return _checked([*copied, *(step for step in walk if step not in copied)], config)


def _checked(steps: list[Step], config: ConfigDict) -> list[Step]:
    """The same steps, if the config has every field of theirs and all its fields can be."""
    for step in steps:
        workdir.settings(step.all_fields(), config)
    settings.check(config)
    return steps


def build_dataset_step(config: ConfigDict, splits: Sequence[str] = prepared.SPLITS) -> Step:
    """Prepares the TFDS data set, which must have enough images for the episodes of `splits`."""
    run = functools.partial(_build_dataset, splits=splits)
    return Step("build_dataset", "data", sources.fields(config), (), run, shared=True, remote=True)


def episode_steps(
    config: ConfigDict,
    splits: Sequence[str] = prepared.SPLITS,
    materialize: str = "ids",
    num_shards: int = 0,
) -> list[Step]:
    """One step for each set of episodes: training, validation and, by query shares, test.

    Self-contained episodes (`materialize` other than "ids") go into folders of their own, to be
    shipped elsewhere; training and evaluation read the ids.

    Raises:
        UserError: a field of the config is missing or cannot be; names it.
    """
    return _checked(_episode_steps(config, splits, materialize, num_shards), config)


def _episode_steps(
    config: ConfigDict, splits: Sequence[str], materialize: str = "ids", num_shards: int = 0
) -> list[Step]:
    suffix = "" if materialize == "ids" else f"-{materialize}"
    return [
        Step(
            "build_episodes",
            f"{episode_folder(split, share)}{suffix}",
            (*SPEC_FIELDS, f"{split}_episodes"),
            embed_steps(config, [split])
            if materialize == "features"
            else [build_dataset_step(config)],
            functools.partial(
                _build_episodes,
                split=split,
                shares=share,
                materialize=materialize,
                num_shards=num_shards,
            ),
            remote=True,
        )
        for split in splits
        for share in _query_shares(config, split)
    ]


def _query_shares(config: ConfigDict, split: str) -> Sequence[str]:
    """How the queries of the episodes of a split are shared, one entry for each set of episodes.

    Raises:
        UserError: the config does not say, as one of another kind of experiment.
    """
    field = "test_query_shares" if split == "test" else "train_query_shares"
    (shares,) = workdir.settings([field], config).values()
    return shares if split == "test" else (shares,)


def episode_folder(split: str, shares: str) -> str:
    """Where the ids of a set of episodes lie in a working directory."""
    return f"episodes/{split}-{shares}"


def pretrain_step(config: ConfigDict, strategy: str = strategies.ONE_DEVICE) -> Step:
    """Trains phi, on the devices of a strategy of `strategies.NAMES`."""
    return Step(
        "pretrain",
        "backbone",
        (
            "backbone",
            "pretrain_epochs",
            "pretrain_batch_size",
            "pretrain_learning_rate",
            "pretrain_warmup_steps",
            "l2",
            "crop_size",
            "crop_padding",
            "flip",
            "color_jitter",
            "average_shift",
            "pretrain_precision",
            "seed",
            "way",
            "queries_per_class",
            "queries",
        ),
        (build_dataset_step(config),),
        functools.partial(_pretrain, strategy=strategy),
        resumes=True,
        shared=True,
    )


def embed_steps(config: ConfigDict, splits: Sequence[str] = prepared.SPLITS) -> list[Step]:
    """One step for the features of each split; only those of training can come in several views."""
    return [
        Step(
            "embed",
            f"features/{split}",
            ("views",) if split == "train" else (),
            (build_dataset_step(config), pretrain_step(config)),
            functools.partial(_embed, split=split),
            shared=True,
            remote=True,
        )
        for split in splits
    ]


def train_step(config: ConfigDict) -> Step:
    """Meta-trains the task model."""
    splits = ("train", "validation")
    return Step(
        "train",
        "model",
        (
            "num_steps",
            "step_size",
            "synthetic_gradient",
            "hidden_units",
            "train_steps",
            "episodes_per_step",
            "steps_per_call",
            "steps_per_epoch",
            "learning_rate",
            "train_l2",
            "train_query_shares",
        ),
        (*embed_steps(config, splits), *_episode_steps(config, splits)),
        _train,
        resumes=True,
    )


def _copied(step: Step, file: Path) -> Step:
    """A step that takes its result from a file, published under the same config."""
    return dataclasses.replace(
        step,
        fields=step.all_fields(),
        requires=(),
        run=functools.partial(_copy, file=file, fields=step.all_fields()),
        resumes=False,
        remote=True,
    )


def _evaluate_step(config: ConfigDict, train: Step) -> Step:
    return Step(
        "evaluate",
        "evaluation",
        ("eval_num_steps", "test_query_shares"),
        (train, *embed_steps(config, ["test"]), *_episode_steps(config, ["test"])),
        _evaluate,
        remote=True,
    )


def _build_dataset(context: Context, splits: Sequence[str]) -> dict:
    builder = sources.builder(context.config, context.folder)
    settings.pretraining_settings(context.config, _image_size(builder))
    options = runner.options(context.beam_args)
    download = tfds.download.DownloadConfig(
        beam_options=options, manual_dir=sources.manual_dir(context.config)
    )
    with runner.plain_errors():
        builder.download_and_prepare(download_dir=_DOWNLOADS, download_config=download)
    # What the data set cannot give is said now, while another try still reads the files anew.
    for split in splits:
        labels = prepared.read_labels(builder, split)
        for shares in _query_shares(context.config, split):
            spec = settings.episode_spec(context.config, shares)
            examples_by_class(labels, spec, prepared.class_names(builder), split)
    return {split: info.num_examples for split, info in builder.info.splits.items()}


def _image_size(builder: tfds.core.DatasetBuilder) -> int:
    return builder.info.features["image"].shape[0]


def _data(context: Context) -> Path:
    """The prepared data set in a working directory."""
    return prepared.prepared_in(context.base / "data")


def _build_episodes(
    context: Context, split: str, shares: str, materialize: str, num_shards: int
) -> dict:
    config, data = context.config, _data(context)
    builder = prepared.builder_of(data)
    count = config[f"{split}_episodes"]
    transform = episode_beam.SampleEpisodes(
        ReadLabels(str(data), split),
        settings.episode_spec(config, shares),
        class_names=prepared.class_names(builder),
        split=split,
        seed=config.seed,
        count=count,
        materialize=materialize,
        open_lookup=_lookup(
            materialize, data, context.base / "features" / split / "records", split
        ),
    )
    episode_beam.write(
        context.folder / "records",
        transform,
        count=count,
        num_shards=num_shards,
        beam_args=context.beam_args,
    )
    return {"episodes": count}


def _lookup(
    materialize: str, data: Path, feature_folder: Path, split: str
) -> Callable[[], episode_beam.Lookup] | None:
    if materialize == "features":
        return functools.partial(_open_features, str(feature_folder))
    if materialize == "images":
        return functools.partial(_open_images, str(data), split)
    return None


def _open_features(folder: str) -> episode_beam.Lookup:
    return feature_table.read(storage.path(folder)).features[0].__getitem__


def _open_images(data: str, split: str) -> episode_beam.Lookup:
    return prepared.read_encoded_images(prepared.builder_of(data), split).__getitem__


def _copy(context: Context, file: Path, fields: Sequence[str]) -> dict:
    report = file.with_name(publishing.REPORT)
    try:
        # Weights that were trained elsewhere have no report.
        if report.exists():
            published = json.loads(report.read_text())["config"]
            wanted = workdir.settings(fields, context.config)
            remedy = "pass the --config of its `command`"
            workdir.refuse_other(report, published, wanted, remedy)
        (context.folder / file.name).write_bytes(file.read_bytes())
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"--weights: {file} cannot be used ({error!r}).") from error
    return {"copied_from": str(file)}


def _pretrain(context: Context, strategy: str) -> dict:
    devices = strategies.build(strategy)  # before TensorFlow reads the images
    config = context.config
    builder = prepared.builder_of(_data(context))
    images, labels = prepared.read_examples(builder, "train")
    return pretraining.train(
        context.folder,
        settings.pretraining_settings(config, images.shape[1]),
        images=images,
        labels=labels,
        validate=PrototypeAccuracy(
            prepared.read_examples(builder, "validation")[0], _selection_episodes(config, builder)
        ),
        strategy=devices,
    )


def _selection_episodes(config: ConfigDict, builder: tfds.core.DatasetBuilder) -> EpisodeTable:
    """The validation episodes that choose phi."""
    spec = settings.selection_spec(config)
    labels = prepared.read_labels(builder, "validation")
    groups = examples_by_class(labels, spec, prepared.class_names(builder), "validation")
    stream = {"seed": config.seed, "stream": "selection"}
    return tabulate([sample(groups, spec, index=index, **stream) for index in range(600)])


def _embed(context: Context, split: str) -> dict:
    config = context.config
    data = _data(context)
    image_size = _image_size(prepared.builder_of(data))
    views = config.views if split == "train" else 1
    augmented = views > 1
    count = embedding.write(
        context.folder / "records",
        phi=context.base / "backbone" / pretraining.BACKBONE,
        data=data,
        split=split,
        views=views,
        augmentation=settings.augmentation(config, image_size) if augmented else None,
        seed=config.seed,
        beam_args=context.beam_args,
    )
    return {"images": count}


def stored_features(context: Context, split: str) -> feature_table.FeatureTable:
    """Features of a split."""
    return feature_table.read(context.base / "features" / split / "records")


def stored_episodes(context: Context, split: str, shares: str) -> EpisodeTable:
    """Episodes of a split with queries in these shares."""
    config = context.config
    return read_table(
        context.workdir / episode_folder(split, shares) / "records",
        settings.episode_spec(config, shares),
        config[f"{split}_episodes"],
    )


def _train(context: Context) -> dict:
    config = context.config
    splits = ("train", "validation")
    tables = {split: stored_features(context, split) for split in splits}
    episodes = {
        split: stored_episodes(context, split, config.train_query_shares) for split in splits
    }
    return meta_train(context.folder, config, tables, episodes)[1]


def meta_train(
    folder: Path,
    config: ConfigDict,
    tables: Mapping[str, feature_table.FeatureTable],
    episodes: Mapping[str, EpisodeTable],
    epochs: int | None = None,
) -> tuple[FewShotClassifier, dict[str, float]]:
    """Makes the task model of a config and trains it, going on where a killed run stopped.

    Args:
        folder: as of `meta_training.train`.
        config: of the experiment.
        tables: features of the splits "train" and "validation".
        episodes: of the same splits.
        epochs: as of `meta_training.train`.

    Returns:
        The model and what `meta_training.train` returns.
    """
    keras.utils.set_random_seed(config.seed)
    feature_table = tables["train"]
    model = settings.task_model(config, feature_table.features.shape[-1])
    how = settings.training_settings(config)
    counts = meta_training.train(
        folder,
        model,
        how,
        batches=lambda first_step: training_batches(
            feature_table,
            episodes["train"],
            steps_per_call=how.steps_per_call,
            episodes_per_step=how.episodes_per_step,
            seed=config.seed,
            first_step=first_step,
        ),
        validation=episode_batches(tables["validation"], episodes["validation"], batch_size=100),
        epochs=epochs,
    )
    return model, counts


def _evaluate(context: Context) -> dict:
    config = context.config
    model_file = context.workdir / "model" / meta_training.MODEL
    model = keras_file.load(model_file)
    results, shown = [], None
    for shares in config.test_query_shares:
        episodes, found = predictions.predict(
            context.folder / "predictions",
            model=model_file,
            num_steps=config.eval_num_steps,
            features=context.base / "features" / "test" / "records",
            episodes=context.workdir / episode_folder("test", shares) / "records",
            spec=settings.episode_spec(config, shares),
            count=config.test_episodes,
            beam_args=context.beam_args,
        )
        queries = episodes.query_ids.shape[1]
        setting = {"way": config.way, "shot": config.shot, "query": queries, "query_shares": shares}
        results += evaluation.rows(
            found["prototypes"],
            [0],
            method="prototypes",
            synthetic_gradient=None,
            **setting,
            train_query_shares=None,
        )
        results += evaluation.rows(
            found["sib"],
            range(config.eval_num_steps + 1),
            method="sib",
            synthetic_gradient=config.synthetic_gradient,
            **setting,
            train_query_shares=config.train_query_shares,
        )
        shown = shown or (episodes, found["sib"].probabilities[: model.num_steps + 1, 0])
    content = {
        "dataset": config.dataset,
        "backbone": config.backbone,
        "split": "test",
        "episodes": len(shown[0]),
        "seed": config.seed,
        "num_steps": model.num_steps,
        "step_size": model.step_size,
        "results": results,
    }
    write_json(context.folder / "report.json", content)
    table = results_table.markdown(content)
    (context.folder / "report.md").write_text(table + "\n")
    logging.getLogger("sib_tf").info("Accuracy on test episodes:\n%s", table)
    episode = _episode_to_show(context, *shown)
    html_report.write(context.folder / "report.html", content, _curves(context), episode)
    return {"episodes": len(shown[0]) * len(config.test_query_shares)}


def _episode_to_show(
    context: Context, episodes: EpisodeTable, probabilities: np.ndarray
) -> ShownEpisode:
    """The first test episode, for the report; its images are kept as files to try `predict` on.

    `predict` takes classes in the order of their folders' names, and the dense network depends on
    the order, so the names begin with the number of the class in the episode.
    """
    builder = prepared.builder_of(_data(context))
    names = prepared.class_names(builder)
    encoded = prepared.read_encoded_images(builder, "test")
    support_files, query_files = encoded[episodes.support_ids[0]], encoded[episodes.query_ids[0]]
    labels = episodes.support_labels[0]
    class_names = [names[label] for label in episodes.classes[0]]
    example = context.folder / "episode"
    digits = len(str(len(class_names) - 1))
    for n, (file, label) in enumerate(zip(support_files, labels, strict=True)):
        folder = f"{label:0{digits}d}_{class_names[label]}"
        _write_image(example / "support" / folder / f"{n:03d}.png", file)
    for n, file in enumerate(query_files):
        _write_image(example / "query" / f"{n:03d}.png", file)
    return ShownEpisode(
        class_names=class_names,
        support_images=_decode(support_files),
        support_labels=labels,
        query_images=_decode(query_files),
        query_labels=episodes.query_labels[0],
        probabilities=probabilities,
    )


def _write_image(path: Path, encoded: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded)


def _decode(encoded: Sequence[bytes]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(io.BytesIO(image)).convert("RGB")) for image in encoded])


def _curves(context: Context) -> dict[str, dict[str, list[float]]]:
    files = {
        "pretraining": context.base / "backbone" / pretraining.CURVES,
        "meta-training": context.workdir / "model" / meta_training.CURVES,
    }
    # What is imported, not trained, has none.
    return {phase: json.loads(f.read_text()) for phase, f in files.items() if f.exists()}


def _export(context: Context) -> dict:
    phi = keras_file.load(context.base / "backbone" / pretraining.BACKBONE)
    classifier = keras_file.load(context.workdir / "model" / meta_training.MODEL)
    if classifier.synthetic_gradient == "set":
        classifier = classifier.for_any_way()
    model = exported_model(context.folder, context.config)
    export.export(model, phi, classifier)
    evaluated = context.workdir / "evaluation"
    model_card.write(
        model,
        name=context.config.export_name,
        report=json.loads((evaluated / "report.json").read_text()),
        classes=_classes(prepared.builder_of(_data(context))),
    )
    warmup.write(model, *_example(evaluated / "episode", phi.input_shape[1:3]))
    return {"way": classifier.way}


def exported_model(folder: Path, config: ConfigDict) -> Path:
    """The SavedModel in the folder of an export."""
    return folder / config.export_name / "1"


def _classes(builder: tfds.core.DatasetBuilder) -> dict[str, list[str]]:
    """Names of the classes of each split."""
    names = prepared.class_names(builder)
    return {
        split: [names[label] for label in np.unique(prepared.read_labels(builder, split))]
        for split in prepared.SPLITS
    }


def _example(folder: Path, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Support images, their labels and query images of the kept episode."""
    support, query = folder / "support", folder / "query"
    episode = read_episode(support, list_class_folders(support), query, size)
    return episode.support_images, episode.support_labels, episode.query_images


def _predict(context: Context) -> dict:
    """Classifies the images of the episode in the report as a user would classify his own."""
    episode = context.workdir / "evaluation" / "episode"
    counts = prediction.predict(
        model=prediction.ExportedModel(context.workdir / "export" / context.config.export_name),
        support=episode / "support",
        query=episode / "query",
        output=context.folder,
    )
    return counts._asdict()
