"""How many steps a model of any task family is evaluated for."""

from sib_tf.base.errors import UserError
from sib_tf.experiments.configuration import Configuration


def refuse_fewer_steps(config: Configuration) -> None:
    """Refuses to evaluate for fewer steps than the model is trained for.

    Raises:
        UserError: names both fields.
    """
    if config.eval.num_steps < config.meta.num_steps:
        raise UserError(
            f"config.eval.num_steps={config.eval.num_steps} must be at least "
            f"config.meta.num_steps={config.meta.num_steps}, which the model is trained for."
        )
