"""Messages, the ways they leave, and what comes back about them."""
