"""predictions.html: the images by class, the least certain first."""

import html
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from sib_tf.report import document, wording
from sib_tf.serving.predict import findings, thumbnails
from sib_tf.serving.predict.outcome import Outcome
from sib_tf.serving.predict.truth import UNKNOWN, confusion

# A box of the same size for every image, so that a browser need not look at one to place the next.
_STYLE = """
body { max-width: 80rem; }
a { color: inherit; }
.warnings { margin: 2rem 0 0; padding: .75rem 1rem .75rem 2rem; background: var(--band);
  border-radius: 6px; }
.photos { display: grid; grid-template-columns: repeat(auto-fill, 8.5rem); gap: 1rem .75rem; }
.photos + .photos { margin-top: 1.25rem; }
.photos figure { content-visibility: auto; contain-intrinsic-size: 8.5rem 11rem; }
.photos img { width: 8.5rem; height: 7.5rem; padding: 0; border: 0; object-fit: contain;
  background: var(--band); }
.photos figcaption { margin-top: .25rem; font-size: .75rem; line-height: 1.35;
  overflow-wrap: anywhere; }
.photos strong { color: var(--ink); }
.labelled { padding: .75rem; border: 1px solid var(--rule); border-radius: 6px; }
.wrong { color: #c0392b; }
"""


def write(path: Path, outcome: Outcome) -> None:
    """Writes the page; its thumbnails must lie beside it, see `thumbnails`.

    Args:
        path: file to write.
        outcome: what is known.
    """
    task = outcome.task
    page = document.render(
        title=f"{len(task.query_files):,} images in {len(task.class_names)} classes",
        summary=" ".join(findings.expected(outcome)),
        facts={
            "Classified": f"{len(task.query_files):,}",
            "Could not be read": f"{outcome.unreadable:,}",
            "Labelled images": f"{len(task.support_files):,}",
            "Answers": "after the synthetic steps" if outcome.takes_steps else "K = 0",
        },
        main="".join(_main(outcome)),
        style=_STYLE,
    )
    # Names that are no UTF-8 get escapes.
    path.write_text(page, encoding="utf-8", errors="backslashreplace")


def _main(outcome: Outcome) -> Iterator[str]:
    warnings = [f"<li>{document.typeset(line)}</li>\n" for line in findings.warnings(outcome)]
    if warnings:
        yield f'<ul class="warnings">\n{"".join(warnings)}</ul>\n'
    yield _counts(outcome)
    if outcome.truth is not None:
        yield _confusion(outcome)
    for label in range(len(outcome.task.class_names)):
        yield from _class(outcome, label)


def _counts(outcome: Outcome) -> str:
    labelled = np.bincount(outcome.task.support_labels, minlength=len(outcome.task.class_names))
    rows = [
        f'<tr><th scope="row"><a href="#class-{label}">{_name(outcome, label)}</a></th>'
        f'<td class="number">{shots:,}</td><td class="number">{count:,}</td></tr>\n'
        for label, (shots, count) in enumerate(zip(labelled, outcome.files_per_class, strict=True))
    ]
    return f"""<section>
<h2>Images of each class</h2>
<div class="table"><table>
<thead><tr><th scope="col">Class</th><th scope="col" class="number">Labelled</th>
<th scope="col" class="number">Classified</th></tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table></div>
</section>
"""


def _confusion(outcome: Outcome) -> str:
    names = [_name(outcome, label) for label in range(len(outcome.task.class_names))]
    heads = "".join(f'<th scope="col" class="number">{name}</th>' for name in names)
    rows = [
        f'<tr><th scope="row">{name}</th>{_confusion_cells(label, counts)}</tr>\n'
        for label, (name, counts) in enumerate(
            zip(names, confusion(outcome.truth, outcome.labels, len(names)), strict=True)
        )
    ]
    measured = "".join(f"<p>{document.typeset(line)}</p>\n" for line in findings.measured(outcome))
    return f"""<section>
<h2>Truth and labels</h2>
{measured}<div class="table"><table>
<caption>Images by their true class (rows) and the label they got (columns).</caption>
<thead><tr><th></th>{heads}</tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table></div>
</section>
"""


def _confusion_cells(label: int, counts: np.ndarray) -> str:
    cells = [f"<strong>{n}</strong>" if i == label else f"{n}" for i, n in enumerate(counts)]
    return "".join(f'<td class="number">{cell}</td>' for cell in cells)


def _class(outcome: Outcome, label: int) -> Iterator[str]:
    """The section of a class: the labelled images, then those that got the label."""
    support = np.flatnonzero(outcome.task.support_labels == label)
    members = np.flatnonzero(outcome.labels == label)
    members = members[np.argsort(outcome.probabilities[members, label], kind="stable")]
    yield f'<section id="class-{label}">\n<h2>{_name(outcome, label)}</h2>\n'
    if support.size:
        yield from _photos("photos labelled", (_labelled(outcome, index) for index in support))
    yield from _photos("photos", (_classified(outcome, index) for index in members))
    yield "</section>\n"


def _photos(style: str, figures: Iterable[str]) -> Iterator[str]:
    yield f'<div class="{style}">\n'
    yield from figures
    yield "</div>\n"


def _labelled(outcome: Outcome, index: int) -> str:
    name = html.escape(outcome.task.support_files[index].name)
    return _figure(outcome.task.support.thumbnails[index], name, "labelled")


def _classified(outcome: Outcome, index: int) -> str:
    label, inductive = outcome.labels[index], outcome.inductive_labels[index]
    probability = outcome.probabilities[index, label]
    words = [f"{_name(outcome, label)} <strong>{probability:.2f}</strong>"]
    if inductive != label:
        words.append(f"K&nbsp;=&nbsp;0: {_name(outcome, inductive)}")
    if outcome.truth is not None and outcome.truth[index] not in (UNKNOWN, label):
        words.append(f'<span class="wrong">truth: {_name(outcome, outcome.truth[index])}</span>')
    name = html.escape(outcome.task.query_files[index].name)
    return _figure(outcome.task.query.thumbnails[index], name, "<br>".join(words))


def _figure(jpeg: bytes, name: str, words: str) -> str:
    return (
        f'<figure><img loading="lazy" alt="{name}" src="{thumbnails.name(jpeg)}">'
        f"<figcaption>{words}<br>{name}</figcaption></figure>\n"
    )


def _name(outcome: Outcome, label: int) -> str:
    return html.escape(wording.class_name(outcome.task.class_names[label]))
