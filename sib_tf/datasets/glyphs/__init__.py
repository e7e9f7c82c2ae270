"""The embedded data set `glyphs`: characters of many scripts in many typefaces."""
