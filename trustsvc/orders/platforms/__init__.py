"""What each shop platform sends, turned into five fields by pure functions."""
