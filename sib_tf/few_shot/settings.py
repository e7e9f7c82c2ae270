"""Sections of a few-shot config: what an episode is, how the model is trained and evaluated."""

import dataclasses

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, positive
from sib_tf.few_shot.episodes.sampling import EpisodeSpec
from sib_tf.few_shot.episodes.varied import BLOCK, Range, VariedEpisodes
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.method.initializations.registry import INITIALIZATIONS
from sib_tf.method.xi.registry import XI
from sib_tf.training import meta_training


@dataclasses.dataclass(frozen=True)
class EpisodeSettings:
    """Section `config.episodes`: what the episodes of all splits have in common.

    Attributes:
        way: N, classes.
        shot: labelled examples of each class.
        queries_per_class: queries, per class on average.
        queries: Q, queries in all; takes the place of `queries_per_class`.
        dirichlet_alpha: concentration of the Dirichlet distribution of unbalanced query shares.

    Raises:
        UserError: if a number is out of range.
    """

    way: int = 5
    shot: int = 1
    queries_per_class: int = 15
    queries: int | None = None
    dirichlet_alpha: float = 2.0

    def __post_init__(self) -> None:
        at_least(1, queries_per_class=self.queries_per_class)
        if self.queries is not None:
            at_least(1, queries=self.queries)
        self.spec("dirichlet")

    def spec(self, shares: str) -> EpisodeSpec:
        """Episodes whose queries come in these shares.

        Raises:
            UserError: if the shares are unknown, or Q cannot be shared so.
        """
        return EpisodeSpec(
            way=self.way,
            shot=self.shot,
            queries=self.queries or self.way * self.queries_per_class,
            shares=shares,
            alpha=self.dirichlet_alpha,
        )

    def varied(
        self,
        shares: str,
        *,
        ways: Range | None = None,
        shots: Range | None = None,
        queries: Range | None = None,
    ) -> EpisodeSpec | VariedEpisodes:
        """Training episodes, which may be of many sizes.

        Args:
            shares: shares of their queries.
            ways: smallest and largest N; None: that of this section.
            shots: smallest and largest number of labelled examples of each class; None: as above.
            queries: smallest and largest Q; None: as above.

        Raises:
            UserError: if a range or the shares are invalid.
        """
        spec = self.spec(shares)
        if ways is shots is queries is None:
            return spec
        return VariedEpisodes(
            way=ways or (spec.way, spec.way),
            shot=shots or (spec.shot, spec.shot),
            queries=queries or (spec.queries, spec.queries),
            shares=shares,
            alpha=spec.alpha,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetaSettings(meta_training.Settings):
    """Section `config.meta`: the model, and how it is meta-trained.

    Attributes:
        synthetic_gradient: name of xi in `XI`, such as "dense" or "set".
        hidden_units: units of the hidden layers of xi; None: its default.
        initialization: name of lambda in `INITIALIZATIONS`.
        num_steps: K, synthetic-gradient steps.
        step_size: eta, of the synthetic-gradient steps.
        query_shares: shares of the queries in training episodes, as in `EpisodeSpec`.
        ways: smallest and largest N of training episodes; None, and then for all three: that of
            the section `episodes`.
        shots: smallest and largest number of labelled examples of each class.
        queries: smallest and largest Q.
        feature_noise: largest length of the noise on the unit features of training episodes, one
            length an episode.
        train_episodes: number of training episodes, which are used over and over again.
        validation_episodes: number of validation episodes.

    Raises:
        UserError: if a number is out of range, or xi or lambda is unknown.
    """

    synthetic_gradient: str = "dense"
    hidden_units: int | None = None
    initialization: str = "prototypes"
    num_steps: int = 3
    step_size: float = 1e-3
    query_shares: str = "balanced"
    ways: Range | None = None
    shots: Range | None = None
    queries: Range | None = None
    feature_noise: float = 0.0
    train_episodes: int
    validation_episodes: int

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, num_steps=self.num_steps)
        positive(step_size=self.step_size)
        at_least(0, feature_noise=self.feature_noise)
        at_least(
            1, train_episodes=self.train_episodes, validation_episodes=self.validation_episodes
        )
        if self.hidden_units is not None:
            at_least(1, hidden_units=self.hidden_units)
        kind = XI[self.synthetic_gradient]
        if self.varies and not kind.any_way:
            raise UserError(
                f'synthetic_gradient="{self.synthetic_gradient}" is tied to one number of classes: '
                "use another with ways, shots or queries, or leave these out."
            )
        if self.varies and BLOCK % (self.steps_per_call * self.episodes_per_step):
            raise UserError(
                f"steps_per_call={self.steps_per_call} * episodes_per_step="
                f"{self.episodes_per_step} must divide {BLOCK} where episodes are of many sizes."
            )
        INITIALIZATIONS[self.initialization]

    @property
    def varies(self) -> bool:
        """Whether training episodes are of many sizes."""
        return (self.ways, self.shots, self.queries) != (None, None, None)

    def model(self, way: int, feature_dim: int) -> FewShotClassifier:
        """A fresh model to meta-train.

        Args:
            way: N; of no account if training episodes are of many sizes.
            feature_dim: D; of no account if lambda has no weight for each feature.
        """
        tied = not INITIALIZATIONS[self.initialization].any_features
        return FewShotClassifier(
            None if self.varies else way,
            feature_dim if tied else None,
            num_steps=self.num_steps,
            step_size=self.step_size,
            synthetic_gradient=self.synthetic_gradient,
            hidden=self.hidden_units,
            initialization=self.initialization,
        )


@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """Section `config.eval`: the test episodes, and what is evaluated on them.

    Attributes:
        episodes: number of episodes for each kind of query shares.
        query_shares: kinds of query shares, as in `EpisodeSpec`.
        num_steps: K up to which the model is evaluated, at least that of its training.
        methods: names in `METHODS` of what is evaluated, with the trained model among them.

    Raises:
        UserError: if a number is out of range, no query shares are named, or a method is unknown.
    """

    episodes: int
    query_shares: tuple[str, ...]
    num_steps: int
    methods: tuple[str, ...] = ("prototypes", "sib")

    def __post_init__(self) -> None:
        at_least(1, episodes=self.episodes)
        at_least(0, num_steps=self.num_steps)
        if not self.query_shares:
            raise UserError('query_shares is empty: name one, such as "balanced".')
        if True not in [METHODS[name].iterative for name in self.methods]:
            raise UserError(f'methods={list(self.methods)} lacks the trained model: add "sib".')
