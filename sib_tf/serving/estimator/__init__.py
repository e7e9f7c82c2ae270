"""An exported model as a classifier of scikit-learn's, for images as people have them in Python."""
