"""The paper, and nothing else.

`inference` is the method in one function; its parts are `initializations` (lambda), `xi` and
`decoders`.
"""
