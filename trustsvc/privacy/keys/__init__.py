"""Key use, key reach, and re-encryption of columns."""
