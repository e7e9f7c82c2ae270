"""Models that classify images of a new domain without a labelled one: export, card and use."""
