"""A copy of the house to take away, and a house made from one."""
