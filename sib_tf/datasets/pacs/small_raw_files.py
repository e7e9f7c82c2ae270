"""Raw files of PACS with few images per class, for tests."""

from pathlib import Path

import numpy as np
from PIL import Image

from sib_tf.datasets.pacs.lists import CLASSES, DOMAINS, PARTS

IMAGES_PER_CLASS = 4  # of which the first is for validation
_ENDINGS = {"sketch": "png"}


def write_raw_files(folder: Path, size: int = 24, per_class: int = IMAGES_PER_CLASS) -> Path:
    """Writes images and lists as the data set is distributed, without the faults of the lists.

    Each class has its own brightness and each domain its own colour, with some noise.

    Args:
        folder: folder that gets the folder `PACS`.
        size: height and width of the images, in pixels.
        per_class: images of each class in each domain.
    """
    noise = np.random.default_rng(0)
    for hue, domain in enumerate(DOMAINS):
        listed = {part: [] for part in PARTS}
        for label, name in enumerate(CLASSES):
            of_class = folder / "PACS" / "kfold" / domain / name
            of_class.mkdir(parents=True)
            for number in range(per_class):
                pixels = noise.integers(0, 40, (size, size, 3))
                pixels[: size // 2] += 20 * label  # the upper half, so that images have a top
                pixels[..., hue % 3] += 60 + 10 * hue
                file = of_class / f"pic_{number:03d}.{_ENDINGS.get(domain, 'jpg')}"
                Image.fromarray(pixels.astype(np.uint8)).save(file)
                row = f"{domain}/{name}/{file.name} {label + 1}"
                for part in ("crossval" if number == 0 else "train", "test"):
                    listed[part].append(row)
        for part, rows in listed.items():
            write_list(folder, domain, part, rows)
    return folder


def write_list(folder: Path, domain: str, part: str, rows: list[str]) -> None:
    """Writes a list: rows of image and label."""
    list_file(folder, domain, part).write_text("".join(f"{row}\n" for row in rows))


def read_list(folder: Path, domain: str, part: str) -> list[str]:
    """The rows of a list."""
    return list_file(folder, domain, part).read_text().splitlines()


def list_file(folder: Path, domain: str, part: str) -> Path:
    """The file of a list."""
    return folder / "PACS" / f"{domain}_{part}_kfold.txt"
