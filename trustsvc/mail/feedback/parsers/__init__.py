"""What came back about a message, read from mail and from providers' JSON. Pure.

Nothing here raises for what somebody sent, and no address leaves it.
"""
