"""How the jobs are started, for messages that say what to run."""

import importlib.util


def job(name: str) -> str:
    """The command of a job, a module of `jobs` in a checkout and of `sib_tf.jobs` if installed."""
    package = "sib_tf.jobs" if importlib.util.find_spec("sib_tf.jobs") else "jobs"
    return f"`python -m {package}.{name}`"


def ready_model() -> str:
    """What to do in place of a training, as a sentence."""
    return (
        "Or train nothing: `make photographs` makes a ready model, with which "
        f"{job('predict')} classifies images of any classes, given a few of each."
    )
