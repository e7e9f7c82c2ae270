"""Makes the table of a page from the published reports.

    python -m jobs.summarize --family=few_shot --page=docs/results.md
    python -m jobs.summarize --family=adaptation --page=docs/pacs.md

Replaces the text between the two markers in the page.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.base.atomic import written_file
from sib_tf.experiments import published_reports
from sib_tf.experiments.families import FAMILIES

from . import _app

_FAMILY = flags.DEFINE_enum(
    "family",
    None,
    [name for name, family in FAMILIES.items() if family.summarize],
    "Family of the reports, as in `config.family`.",
    required=True,
)
_RESULTS = flags.DEFINE_string("results", "results", "Folder of published reports.")
_PAGE = flags.DEFINE_string("page", None, "File with the table, rewritten.", required=True)


def main(argv: Sequence[str]) -> None:
    """Rewrites the table."""
    del argv
    page = storage.local(_PAGE.value)
    table = FAMILIES[_FAMILY.value].summarize(storage.local(_RESULTS.value))
    text = published_reports.replace_table(page.read_text(), table)
    with written_file(page) as file:
        file.write_text(text)


if __name__ == "__main__":
    _app.run(main)
