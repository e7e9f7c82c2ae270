"""Minibatches of one domain: how they are drawn, stored with Beam and read."""
