"""What every report is made of: the page, pictures, tables, and how things are worded."""
