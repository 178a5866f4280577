"""The badge on a shop's pages and its public profile; rendered when the score changes."""
