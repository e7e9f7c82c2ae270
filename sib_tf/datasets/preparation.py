"""Prepares a data set with TFDS and Beam."""

import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.datasets.pieces import PiecewiseBuilder

# Where TFDS keeps downloads for all working directories.
_DOWNLOADS = Path(tfds.core.constants.DATA_DIR) / "downloads"

_EMPTY = (
    r"generated examples is 0 for split (?P<split>\w+)"
    r'|split "(?P<split_here>\w+)": No examples were yielded'
)


def prepare(
    builder: tfds.core.DatasetBuilder, *, manual_dir: Path | None, beam_args: Sequence[str] = ()
) -> dict[str, int]:
    """Downloads what can be downloaded and writes the data set.

    Args:
        builder: of the data set.
        manual_dir: folder of files that the user has downloaded; None if there are none.
        beam_args: options of the Beam runner; without any, a builder that can do without it does.

    Returns:
        Split -> number of examples.

    Raises:
        UserError: if raw files are missing or damaged; names them. If no image of a split can be
            read.
    """
    download = tfds.download.DownloadConfig(
        beam_options=runner.options(beam_args), manual_dir=manual_dir
    )
    if isinstance(builder, PiecewiseBuilder):
        builder.on_beam = bool(beam_args)
    # TFDS prints where it writes, which is a folder that gets another name when the step is done.
    with _named_if_empty(), runner.plain_errors(), contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare(download_dir=_DOWNLOADS, download_config=download)
    return {split: info.num_examples for split, info in builder.info.splits.items()}


@contextlib.contextmanager
def _named_if_empty() -> Iterator[None]:
    try:
        yield
    except (ValueError, AssertionError) as error:  # of TFDS, which knows no reason
        if empty := re.search(_EMPTY, str(error)):
            split = empty["split"] or empty["split_here"]
            raise UserError(
                f"No image of the {split} split can be read: replace those that are left out."
            ) from error
        raise


def image_size(builder: tfds.core.DatasetBuilder) -> int:
    """H = W of the stored images."""
    return builder.info.features["image"].shape[0]
