"""PACS, seven classes in four domains, as a TFDS data set."""
