"""Tables in Markdown, for terminals and READMEs."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, without a line break at its end.

    Args:
        heads: what stands above each column.
        rows: a cell for each head; none of them holds a "|".

    Raises:
        ValueError: a row has more or fewer cells.
    """
    lines = [_line(heads), "|" + "---|" * len(heads)]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"{len(row)} cells under {len(heads)} heads: {row}")
        lines.append(_line(row))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
