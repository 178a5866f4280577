"""Registrations, opt-outs and restrictions of buyers, stored as pseudonyms only."""
