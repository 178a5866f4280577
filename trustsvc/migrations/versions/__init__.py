"""Numbered: 0001 is the application as it was founded."""
