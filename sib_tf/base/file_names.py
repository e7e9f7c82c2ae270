"""Names of files as text: on Linux they are bytes, which need not be UTF-8."""


def legible(name: str) -> str:
    r"""A name as text that can be printed, stored and sent: `caf\udce9` for what is no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()
