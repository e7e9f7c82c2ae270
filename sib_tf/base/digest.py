"""What tells the content of files apart."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def sha256(files: Iterable[Path]) -> str:
    """SHA-256 of the contents of some files, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:  # not as a whole in memory, for features may be large
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()
