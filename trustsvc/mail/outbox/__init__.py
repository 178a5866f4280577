"""Every outbound message: planned, leased, sent, settled, and what nobody can know."""
