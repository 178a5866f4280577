"""What is wrong with this house, and what to do about it."""
