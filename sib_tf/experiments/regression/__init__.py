"""The steps of the zero-shot regression: train -> evaluate.

Its tasks are drawn from the seed whenever they are needed.
"""
