"""Keys, encrypted columns, pseudonyms of addresses, and signed links."""
