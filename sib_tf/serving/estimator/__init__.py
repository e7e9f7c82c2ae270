"""An exported model as a scikit-learn classifier, for images as people have them in Python."""
