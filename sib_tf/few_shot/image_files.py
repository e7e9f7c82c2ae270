"""The images of a stored episode as files, to try a model on as a user would."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.report.shown_episode import ShownEpisode

_NAME_BYTES = 255


def write_episode(
    folder: Path,
    episodes: EpisodeTable,
    *,
    encoded_images: Mapping[int, bytes],
    class_names: Sequence[str],
    probabilities: np.ndarray,
) -> ShownEpisode:
    """Writes the images of the first episode of a table.

    Class folders are read in the order of their names, and some networks depend on the order of the
    classes, so the names begin with the number of the class in the episode.

    Args:
        folder: folder to write: `support/CLASS/` and `query/`.
        episodes: the episodes.
        encoded_images: PNG files by their position in the split; at least those of the episode.
        class_names: names of the N classes of the episode.
        probabilities: predictions for the episode after 0..K steps, float [K+1, Q, N].

    Returns:
        The episode, for the report.
    """
    support, query = (
        [encoded_images[number] for number in ids[0]]
        for ids in (episodes.support_ids, episodes.query_ids)
    )
    labels = episodes.support_labels[0]
    digits = len(str(len(class_names) - 1))
    for n, (file, label) in enumerate(zip(support, labels, strict=True)):
        class_folder = _folder_name(f"{label:0{digits}d}_{class_names[label]}")
        _write(folder / "support" / class_folder / f"{n:03d}.png", file)
    for n, file in enumerate(query):
        _write(folder / "query" / f"{n:03d}.png", file)
    return ShownEpisode(
        class_names=class_names,
        support_images=_decode(support),
        support_labels=labels,
        query_images=_decode(query),
        query_labels=episodes.query_labels[0],
        probabilities=probabilities,
    )


def _folder_name(words: str) -> str:
    """Words of at most as many bytes as a name can have; a name that is no UTF-8 takes many."""
    return words.encode()[:_NAME_BYTES].decode(errors="ignore")


def _write(path: Path, encoded: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded)


def _decode(encoded: Sequence[bytes]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(io.BytesIO(image)).convert("RGB")) for image in encoded])
