"""What came back about a letter, read from mail and from providers' JSON. Pure.

Nothing here raises for what somebody sent, and no address leaves it.
"""
