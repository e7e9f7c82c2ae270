"""How what is evaluated is called."""

from sib_tf.adaptation.variants import VARIANTS

SOURCE_ONLY, BATCH_STATISTICS = "source_only", "batch_statistics"
_BASELINES = {SOURCE_ONLY: "source-only", BATCH_STATISTICS: "AdaBN"}


def title(method: str) -> str:
    """The name of a method or of a variant of the model in reports."""
    return _BASELINES.get(method) or VARIANTS[method].title
