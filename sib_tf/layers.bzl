"""Who may depend on whom, which import-linter's contract in pyproject.toml says, too."""

# A package may depend on those of the lines below its own.
_LAYERS = [
    ["search"],
    ["experiments"],
    ["serving"],
    ["adaptation", "few_shot", "regression"],
    ["features", "training"],
    ["backbones", "datasets"],
    ["beam", "method", "report"],
    ["base"],
]

_OUTSIDE = [
    "//benchmarks:__pkg__",
    "//jobs:__pkg__",
    "//sib_tf:__pkg__",
    "//tests:__subpackages__",
]

def above(package):
    """The visibility of a package of sib_tf.

    Args:
        package: name of its folder.

    Returns:
        The packages of the layers above it, and all outside of sib_tf.
    """
    visibility = list(_OUTSIDE)
    for layer in _LAYERS:
        if package in layer:
            return visibility
        visibility += ["//sib_tf/%s:__pkg__" % name for name in layer]
    fail("%s is in no layer of sib_tf/layers.bzl" % package)
