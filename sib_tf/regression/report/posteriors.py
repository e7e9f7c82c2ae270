"""The picture of what is known of a slope."""

import numpy as np

from sib_tf.regression.report.shown import Shown
from sib_tf.regression.tasks import Normal, posterior, prior
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, GREEN, INK, ORANGE, RULE, VERMILLION

_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE)  # of the tasks


def draw(shown: Shown) -> Picture:
    """The exact posterior of each task and what the model makes of it, on what is known before."""
    family = shown.lines.family
    before, exact = prior(family), posterior(family, shown.lines.x)
    guesses = shown.slopes[-1]
    figure, (axes,) = panels(1, columns=1, width=7, height=3.6)
    means = np.concatenate([exact.mean, guesses, before.mean + before.std * np.array([-1, 1])])
    w = np.linspace(means.min() - 4 * family.sigma_w, means.max() + 4 * family.sigma_w, 400)
    axes.fill_between(w, before.density(w), color=RULE, label="p(w), all tasks")
    for i, (mean, guess) in enumerate(zip(exact.mean, guesses, strict=True)):
        own, q = Normal(mean, exact.std), Normal(guess, family.sigma_w)
        label = "p(w | task)" if i == 0 else None
        axes.plot(w, own.density(w), color=_COLOURS[i % len(_COLOURS)], label=label)
        label = "q after K steps" if i == 0 else None
        axes.plot(w, q.density(w), color=INK, linestyle=":", label=label)
    axes.set(xlabel="slope w", ylabel="density", ylim=(0, None))
    figure.legend(loc="outside upper left", ncols=3)
    return Picture(
        "What is known of a slope",
        "Grey: the slopes of all tasks that the unseen ones are drawn from. Coloured: what can be "
        "known of a slope once the inputs of its task are seen, for unseen tasks from the smallest "
        "to the largest mean of the inputs. Dotted: what the model makes of the same inputs.",
        "Densities. "
        + "; ".join(
            f"task {i + 1}: exact mean {mean:.2f}, q at {guess:.2f}"
            for i, (mean, guess) in enumerate(zip(exact.mean, guesses, strict=True))
        )
        + ".",
        figure,
    )
