"""A shop, a mailbox and a walk through the house, for people who have just arrived."""
