"""The section of a config that says what is exported."""

import dataclasses
from pathlib import Path

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least
from sib_tf.serving import query_limit


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """Section `config.export`: the SavedModel.

    Attributes:
        name: name of the model, under which a server knows it; without slashes.
        max_queries: most queries of an episode that the model takes in one request.

    Raises:
        UserError: if the name is empty or a path, or no query is allowed.
    """

    name: str
    max_queries: int = query_limit.DEFAULT

    def __post_init__(self) -> None:
        at_least(1, max_queries=self.max_queries)
        if not self.name or Path(self.name).name != self.name:
            raise UserError(f"name={self.name!r} must be a single word, without slashes.")
