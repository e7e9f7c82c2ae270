"""Tables in Markdown, for terminals and READMEs."""

from collections.abc import Iterable, Iterator, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The lines of a table as one text, without a line break at its end."""
    return "\n".join(lines(heads, rows))


def lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, each as soon as its row is there.

    Args:
        heads: heads of the columns.
        rows: rows of the table: a cell for each head, without a "|" in it.

    Raises:
        ValueError: if a row has more or fewer cells.
    """
    yield _line(heads)
    yield "|" + "---|" * len(heads)
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"{len(row)} cells under {len(heads)} heads: {row}")
        yield _line(row)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
