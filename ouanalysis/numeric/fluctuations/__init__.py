"""What noise does about a zero-error point: how SGD samples, second moments, stability, the two laws, the drift."""
