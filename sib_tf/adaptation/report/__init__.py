"""The report of a zero-shot classification: table, pictures, page."""
