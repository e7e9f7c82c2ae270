r"""Draws the episodes of a config and writes them as sharded TFRecords, with Beam.

    python -m jobs.build_episodes --config=configs/glyphs.py --workdir=work/glyphs \
        -- --direct_num_workers=2 --direct_running_mode=multi_processing

Reads WORKDIR/data, writes WORKDIR/episodes/SPLIT-SHARES. The config sets way, shot, queries (per
class or in total), the query shares, the number of episodes and the seed. The same seed gives the
same episodes for any number of shards and workers. Options after `--` go to the Beam runner.
"""

import logging
from collections.abc import Sequence

from absl import flags

from sib_tf.beam import runner
from sib_tf.datasets import prepared
from sib_tf.experiments import families
from sib_tf.experiments.options import Options
from sib_tf.few_shot.episodes import schema

from . import _app

_experiment = _app.define_experiment_flags()
_SPLIT = flags.DEFINE_enum("split", "all", ["all", *prepared.SPLITS], "Which episodes to build.")
_MATERIALIZE = flags.DEFINE_enum(
    "materialize",
    "ids",
    schema.MATERIALIZE,
    "What a record holds of its examples. `ids` is small and serves every backbone; `features` and "
    "`images` make self-contained records in a folder of their own; the features are those of the "
    "first view.",
)
_NUM_SHARDS = flags.DEFINE_integer("num_shards", 0, "Files of each set; 0: the runner decides.", 0)


def main(argv: Sequence[str]) -> None:
    """Builds the chosen sets of episodes that are not finished."""
    experiment = _experiment()
    options = Options(
        splits=prepared.SPLITS if _SPLIT.value == "all" else (_SPLIT.value,),
        materialize=_MATERIALIZE.value,
        num_shards=_NUM_SHARDS.value,
    )
    steps = families.steps_of(experiment.config, "build_episodes", options)
    skipped = experiment.run(steps, argv[1:])
    if skipped and _NUM_SHARDS.value:
        logging.getLogger("sib_tf").warning(
            "--num_shards=%d changes no finished folder; to write it again, first delete %s.",
            _NUM_SHARDS.value,
            ", ".join(str(experiment.workdir / step.folder) for step in skipped),
        )


if __name__ == "__main__":
    _app.run(main, check_arguments=runner.options)
