"""Where keys are in use, what they reach, and how columns are re-encrypted."""
