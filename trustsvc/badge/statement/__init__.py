"""The signed statement in a badge: signing, published keys, verification."""
