"""The report of a zero-shot regression: table, pictures, words."""
