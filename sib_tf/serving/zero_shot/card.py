"""The model card of a zero-shot model."""

from collections.abc import Mapping
from typing import Any

from sib_tf.adaptation.report import names, table
from sib_tf.report import wording
from sib_tf.serving.model_card import TOGETHER


def render(name: str, report: Mapping[str, Any]) -> str:
    """The card in Markdown.

    Args:
        name: name of the model.
        report: content of `report.json` of the model's evaluation.
    """
    classes = ", ".join(map(wording.class_name, report["classes"]))
    sources = ", ".join(map(wording.class_name, report["sources"]))
    return f"""# {name}

Classifies images of a domain of which none is labelled, all its images at a time, as one of
{classes}. It starts from a classifier of other domains and takes {report["num_steps"]}
synthetic-gradient steps of size {report["step_size"]:g} on the images themselves ("Empirical Bayes
Transductive Meta-Learning with Synthetic Gradients", ICLR 2020).

## Data

- Data set: {report["dataset"]}; backbone: {report["backbone"]}; seed {report["seed"]}.
- Trained on labelled images of {sources}.
- Tested on {report["images"]:,} images of {wording.class_name(report["target"])}, in minibatches of
  {report["minibatch"]}.

## Accuracy

{table.markdown(report)}

The model is {names.title(report["exported"])}. ± is the 95 % interval over the images, in %.

## Limits

- Every image gets one of the classes, whatever it shows.
- {TOGETHER}
- Accuracy on images of another domain is not known.
"""
