"""What came back about a letter, read from mail and from providers' JSON. Pure: bytes in, words out.

Nothing here raises for what somebody sent, and no address leaves it.
"""
