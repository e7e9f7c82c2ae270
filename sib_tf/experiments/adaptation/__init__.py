"""The steps of the zero-shot classification of a new domain.

build_dataset → pretrain → embed, build_episodes → train → evaluate → export → predict.
"""
