"""phi: networks from pixels to features, with what comes before them."""
