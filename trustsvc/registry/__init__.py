"""Who is registered and who opted out, known by fingerprint only."""
