"""Tables of numbers in HTML."""

import html
from collections.abc import Iterable, Sequence


def render(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names its rows.

    Args:
        caption: what the table shows.
        heads: heads of the columns.
        rows: rows of the table: a name, and a number for each other head.
    """
    first, *others = map(html.escape, heads)
    head = "".join(f'<th scope="col" class="number">{text}</th>' for text in others)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f'<td class="number">{cell}</td>' for cell in cells)
        + "</tr>\n"
        for name, *cells in rows
    )
    return f"""<div class="table">
<table>
<caption>{html.escape(caption)}</caption>
<thead><tr><th scope="col">{first}</th>{head}</tr></thead>
<tbody>
{body}</tbody>
</table>
</div>"""
