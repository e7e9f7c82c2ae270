"""Makes the results table of the README from the published reports.

    python -m jobs.summarize --results=results --readme=README.md

Replaces what stands between the two marks in the README.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from sib_tf.experiments import results_summary

from . import _app

_RESULTS = flags.DEFINE_string("results", "results", "Folder of published reports.")
_README = flags.DEFINE_string("readme", "README.md", "File with the table, rewritten.")


def main(argv: Sequence[str]) -> None:
    """Rewrites the table."""
    del argv
    readme = Path(_README.value)
    table = results_summary.markdown(*results_summary.read(Path(_RESULTS.value)))
    beside = readme.with_name(readme.name + ".tmp")
    beside.write_text(results_summary.replace_table(readme.read_text(), table))
    beside.replace(readme)


if __name__ == "__main__":
    _app.run(main)
