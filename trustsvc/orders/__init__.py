"""Orders: accepted once, checked, and erased as early as possible."""
