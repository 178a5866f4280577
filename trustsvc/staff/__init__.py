"""Staff: accounts, one-time links, sign-in, sessions."""
