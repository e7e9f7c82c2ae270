"""The model card of a ready model, which was trained on none of its user's data."""

from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving.model_card import TOGETHER


def render(name: str, *, backbone: str, size: int, head: FewShotClassifier) -> str:
    """The card in Markdown.

    Args:
        name: name of the model.
        backbone: name of the backbone.
        size: H = W of its images, pixels.
        head: head that classifies its features.
    """
    return f"""# {name}

Classifies the images of a task from a few labelled examples, all its images at a time, into any
number of classes. It starts from the means of the labelled features and takes {head.num_steps}
synthetic-gradient steps of size {head.step_size:g} on the unlabelled ones ("Empirical Bayes
Transductive Meta-Learning with Synthetic Gradients", ICLR 2020).

## Data

- Features: {backbone}, with the weights that it comes with, on images of {size} x {size} pixels.
- The head was meta-trained elsewhere, on features of another backbone. No weight of it belongs to
  a feature, so that it serves those of this one.

## Limits

- Accuracy on your images is not known before you try.
- {TOGETHER}
- What the backbone was trained to tell apart comes easily to it, such as the things and animals on
  photographs; drawings come harder.
"""
