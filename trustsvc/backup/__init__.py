"""Backup of the database into one file, and restore from it."""
