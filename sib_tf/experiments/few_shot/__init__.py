"""The steps of few-shot classification.

raw files -> build_dataset -> pretrain (phi) -> embed (features) -> train -> evaluate, export
                          `-> build_episodes -----------------------^
"""
