"""How long everything is kept, and the purge that keeps to it."""
