"""Background jobs: the queue, its worker, and the Redis behind it."""
