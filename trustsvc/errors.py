"""Errors with a title for users; app.py turns them into problem+json or a page."""


class TrustsvcError(Exception):
    """The base of our own exceptions.

    The message is shown to the client, so it never repeats anything from the request.
    """

    status = 500
    title = "Something went wrong"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class Refused(TrustsvcError):
    """The request is malformed or not allowed."""

    status = 400
    title = "The request cannot be used"


class Unauthorised(TrustsvcError):
    """The signature or password of a webhook is missing or wrong; an unknown one answers alike."""

    status = 401
    title = "The signature does not match"


class ForeignForm(TrustsvcError):
    """Another site made the browser send this form; nothing of it was done."""

    status = 403
    title = "This form was sent from another site: open the page here and send it again"


class NotFound(TrustsvcError):
    """Nothing has this address, or its link does not verify."""

    status = 404
    title = "There is nothing here"


class Gone(TrustsvcError):
    """The link was good and is used or expired, or what it names was withdrawn."""

    status = 410
    title = "This is no longer here"


class WebhookDeliveryConflict(TrustsvcError):
    """A signed webhook delivery id was used again with another body."""

    status = 409
    title = "This delivery id was used before with another body"


class TooLarge(TrustsvcError):
    """The body is longer than the route takes; nothing of it was stored."""

    status = 413
    title = "The body is too large"


class AddressTooLong(TrustsvcError):
    """The path and the query are longer than any of ours."""

    status = 414
    title = "The address is too long: open the link as it was sent"


class TooMany(TrustsvcError):
    """One network sent more requests than its rate limit."""

    status = 429
    title = "That was a little fast, please try again later"


class Unavailable(TrustsvcError):
    """It cannot be stored durably now; the client should try again."""

    status = 503
    title = "Cannot be stored right now, please try again"


class Misconfigured(TrustsvcError):
    """One or more settings are invalid; each problem names one and says what to do."""

    title = "A setting cannot be used"

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems or (self.title,)
