"""Ask the buyer once, politely, at the right time."""
