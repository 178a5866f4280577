"""What can be wrong with a shop's API, and what its webhooks can be."""

from enum import StrEnum


class ApiProblem(StrEnum):
    """Why a run failed: a code, never the answer's text, which may hold personal data."""

    UNAUTHORISED = "unauthorised"  # 401, 403: the credentials are wrong, revoked or too weak
    NOT_FOUND = "not_found"  # 404: there is no API at this address
    RATE_LIMITED = "rate_limited"  # 429
    UNAVAILABLE = "unavailable"  # any other status
    UNREACHABLE = "unreachable"  # no answer, a slow or truncated one, an internal address
    REDIRECTED = "redirected"  # not followed: the credentials are for one host
    UNREADABLE = "unreadable"  # no JSON, or no list of orders
    TOO_LARGE = "too_large"  # a single order exceeds the limit


class WebhookStatus(StrEnum):
    """The state of the webhooks that point to this service."""

    UNKNOWN = "unknown"  # not checked yet
    ACTIVE = "active"
    ENABLED = "enabled"  # they were disabled, and the last run enabled them again
    DISABLED = "disabled"  # and the credentials may not enable them
    PAUSED = "paused"  # by a person
    MISSING = "missing"  # none points here
    HIDDEN = "hidden"  # the platform's API does not show them
