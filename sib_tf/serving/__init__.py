"""From a trained model to answers: the SavedModel, what travels with it, and who asks it."""
