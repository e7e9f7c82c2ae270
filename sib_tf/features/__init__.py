"""Features: the frozen backbone over a whole data set, stored once and read many times."""
