"""The picture of the domains in the plane."""

import numpy as np
from sklearn.manifold import TSNE

from sib_tf.adaptation.report.shown import Shown
from sib_tf.report import wording
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, GREEN, GREY, ORANGE, VERMILLION

_SOURCES = (BLUE, ORANGE, GREEN, GREY)


def draw(shown: Shown) -> Picture:
    """Features of all domains, without and with BatchNorm statistics of the target."""
    titles = ("statistics of the labelled domains", "target with statistics of its own")
    figure, all_axes = panels(2, columns=2, width=9, height=4.2)
    for axes, title, features in zip(all_axes, titles, shown.features, strict=True):
        places = _in_the_plane(features)
        for number, domain in enumerate(shown.domains):
            target = number == len(shown.domains) - 1
            members = places[shown.domain_of == number]
            axes.scatter(
                *members.T,
                s=7,
                color=VERMILLION if target else _SOURCES[number % len(_SOURCES)],
                label=wording.class_name(domain) + (", the target" if target else ""),
                linewidths=0,
            )
        axes.set_title(title)
        axes.set(xticks=[], yticks=[])
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), markerscale=2.5)
    return Picture(
        "The domains as phi sees them",
        "A point for each of some images of the target and of held-out images of the other "
        "domains: near each other if their features are alike (t-SNE). Where the target lies by "
        "itself, its images look like nothing that phi was trained on.",
        "Two scatter plots of " + ", ".join(map(wording.class_name, shown.domains)) + ".",
        figure,
    )


def _in_the_plane(features: np.ndarray) -> np.ndarray:
    """t-SNE of unit features [n, D], float [n, 2]."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    perplexity = min(30.0, (len(unit) - 1) / 3)
    return TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(unit)
