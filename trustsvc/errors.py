"""What can go wrong in words a door can pass on. app.py turns these into problem+json or a page."""


class TrustsvcError(Exception):
    """The base of what this service raises on purpose.

    The message is shown to whoever asked, so it never holds anything that came in with the request.
    """

    status = 500
    title = "Something went wrong"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class Refused(TrustsvcError):
    """The request is understood and not allowed, or not well formed."""

    status = 400
    title = "The request cannot be used"


class Unauthorised(TrustsvcError):
    status = 401
    title = "The signature does not match"


class NotFound(TrustsvcError):
    status = 404
    title = "There is nothing here"


class Gone(TrustsvcError):
    status = 410
    title = "This is no longer here"


class Duplicate(TrustsvcError):
    """The same signed id came back with another content."""

    status = 409
    title = "This delivery id was used before with another body"


class TooLarge(TrustsvcError):
    status = 413
    title = "The body is too large"


class TooMany(TrustsvcError):
    """One network knocks more often than people do."""

    status = 429
    title = "That was a little fast, please try again later"


class Unavailable(TrustsvcError):
    """It cannot be made durable now; whoever asked should try again."""

    status = 503
    title = "Cannot be stored right now, please try again"


class Misconfigured(TrustsvcError):
    """A setting makes no sense; the message says which one and what to do."""

    title = "A setting cannot be used"
