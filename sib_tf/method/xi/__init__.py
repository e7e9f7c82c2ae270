"""xi: networks that guess the gradient of the loss from predictions alone."""
