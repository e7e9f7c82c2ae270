"""Zero-shot regression, "spinning lines": K = 3, xi a perceptron of hidden size 8.

    python -m jobs.pipeline --config=configs/spinning_lines.py --workdir=work/spinning_lines

Paper: a figure of KL against the steps of meta-training, no number. Ours and the time:
docs/spinning_lines.md.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.family = "regression"
    config.seed = 0  # tasks and weights

    # A task: x_i ~ N(mu, sigma^2), w = mean(x) + e, e ~ N(mu_w, sigma_w^2), y_i = w x_i
    config.tasks = ConfigDict()
    config.tasks.num_points = 32  # n
    config.tasks.mu = 0.0
    config.tasks.sigma = 1.0
    config.tasks.mu_w = 1.0
    config.tasks.sigma_w = 0.1  # also of the variational posterior
    config.tasks.test_mu = 0.0  # mu of the unseen tasks
    config.tasks.train = 240
    config.tasks.test = 240

    config.meta = ConfigDict()
    config.meta.num_steps = 3  # K
    config.meta.step_size = 1e-3  # eta
    config.meta.steps = 10_000
    config.meta.episodes_per_step = 48
    config.meta.steps_per_call = 50
    config.meta.steps_per_epoch = 50
    config.meta.learning_rate = 0.1  # at first, then a cosine down to 0
    config.meta.l2 = 0.0

    config.eval = ConfigDict({"num_steps": 6})
    return config
