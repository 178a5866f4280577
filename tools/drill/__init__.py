"""Kills processes, flushes Redis and fails the mail server, then counts what was lost."""
