"""Numbered: 0001 is the application as it was founded. None is edited once it landed."""
