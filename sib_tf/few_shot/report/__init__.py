"""The report of a few-shot evaluation: tables, pictures, words."""
