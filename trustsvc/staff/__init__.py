"""Who works here: one-time links, sign-in, sessions."""
