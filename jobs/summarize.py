"""Makes the table of docs/results.md from the published reports.

    python -m jobs.summarize --results=results --page=docs/results.md

Replaces the text between the two markers in the page.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.base.atomic import written_file
from sib_tf.experiments import results_summary

from . import _app

_RESULTS = flags.DEFINE_string("results", "results", "Folder of published reports.")
_PAGE = flags.DEFINE_string("page", "docs/results.md", "File with the table, rewritten.")


def main(argv: Sequence[str]) -> None:
    """Rewrites the table."""
    del argv
    page = storage.local(_PAGE.value)
    table = results_summary.markdown(*results_summary.read(storage.local(_RESULTS.value)))
    text = results_summary.replace_table(page.read_text(), table)
    with written_file(page) as file:
        file.write_text(text)


if __name__ == "__main__":
    _app.run(main)
