"""Numbered: 0001 is the house as it was founded."""
