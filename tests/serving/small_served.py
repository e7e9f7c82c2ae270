"""A small model for servers, tasks for it, and what starts and finds them."""

import time

import keras
import numpy as np
from PIL import Image

from sib_tf import FewShotClassifier
from sib_tf.backbones import registry
from sib_tf.base.errors import UserError
from sib_tf.serving import warmup
from sib_tf.serving.export import export
from sib_tf.serving.predict.image_task import ImageTask

NAME = "few shot"
SIZE = 16  # height and width of images, pixels
MOST = 500  # queries of a request


def write_version(folder):
    """Writes a SavedModel of any number of classes."""
    keras.utils.set_random_seed(0)
    phi = registry.build("conv4_8", image_size=SIZE)
    head = FewShotClassifier(None, 8, num_steps=1, synthetic_gradient="set")
    export(folder, phi, head, max_queries=MOST)
    warmup.write(folder, seed=0)


def task(shots=(1, 2, 1), queries=7, seed=0):
    """A task of coloured noise; `shots` has the number of support images of each class."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 216, (len(shots), 3))

    def draw(labels):
        noise = rng.integers(-40, 40, (len(labels), SIZE, SIZE, 3))
        return (colours[labels][:, np.newaxis, np.newaxis] + noise).astype(np.uint8)

    labels = np.repeat(np.arange(len(shots), dtype=np.int32), shots)
    return ImageTask(
        class_names=tuple(f"class {n}" for n in range(len(shots))),
        support_images=draw(labels),
        support_labels=labels,
        query_images=draw(rng.integers(len(shots), size=queries)),
    )


def write_images(folder, task):
    """Writes the images of a task as files, in the folders that `jobs.predict` reads."""
    support = zip(task.support_labels, task.support_images, strict=True)
    files = {folder / f"support/{label}/{n}.png": x for n, (label, x) in enumerate(support)}
    files |= {folder / f"query/{n}.png": x for n, x in enumerate(task.query_images)}
    for path, image in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def when_loaded(ask):
    """Repeats `ask` until the server has loaded its model; until then it knows no such model."""
    for _ in range(1200):
        try:
            return ask()
        except UserError as error:
            if "serves no model" not in str(error):
                raise
        time.sleep(0.05)
    raise TimeoutError("the model is not loaded")
