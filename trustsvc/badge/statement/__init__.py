"""The signed statement in a badge: made here, published keys, and checked for whoever asks."""
