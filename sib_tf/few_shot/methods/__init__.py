"""Methods that are compared on the same episodes, each in a file of its own."""
