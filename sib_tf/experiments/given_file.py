"""Files that an experiment starts from, in place of steps of its own."""

import dataclasses
from pathlib import Path

from sib_tf.base import digest, keras_file, storage
from sib_tf.base.errors import UserError
from sib_tf.few_shot.model import FewShotClassifier


@dataclasses.dataclass(frozen=True)
class FileSettings:
    """Sections `config.data` and `config.model`: a file that the experiment starts from.

    Attributes:
        file: of `data`, a `.npz` file, see `numpy_file.read`; of `model`, a trained head,
            `model.keras`.
        sha256: digest of its content, by which results of another file are told apart; None if
            there is no such file.
    """

    file: str
    sha256: str | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        path = storage.local(self.file)
        object.__setattr__(self, "sha256", digest.sha256([path]) if path.is_file() else None)


def given(section: str, file: str, kind: str) -> Path:
    """The file of a section.

    Args:
        section: name of the section.
        file: its field `file`.
        kind: what it should be, for the message.

    Raises:
        UserError: if there is no such file.
    """
    path = storage.local(file)
    if not path.is_file():
        raise UserError(f"config.{section}.file={file!r} is no file: name {kind}.")
    return path


def given_head(file: str) -> FewShotClassifier:
    """The trained head of `config.model.file`.

    Raises:
        UserError: if there is no such file, or it holds something else.
    """
    path = given("model", file, "a trained head, model.keras")
    head = keras_file.load(path)
    if not isinstance(head, FewShotClassifier):
        raise UserError(f"config.model.file={path} is no few-shot classifier.")
    return head
