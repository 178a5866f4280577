"""The codes by which webhook deliveries are counted, a fixed set."""

from collections.abc import Mapping
from typing import get_args

from trustsvc.orders.received import IgnoreReason

ACCEPTED = "accepted"
PRIVACY_REQUEST = "privacy_request"
PLATFORM_ERROR = "ignored:platform_error"
BAD_SIGNATURE = "bad_signature"
REFUSED = "refused"
TOO_LARGE = "too_large"

# Of the error answers, by status; the others are counted as "other".
_BY_STATUS: Mapping[int, str] = {
    400: REFUSED,
    401: BAD_SIGNATURE,
    409: "conflict",
    413: TOO_LARGE,
    429: BAD_SIGNATURE,  # too many of them
    500: "failed",
    503: "unavailable",
}
OTHER = "other"
ANSWERS = (
    ACCEPTED,
    "duplicate",
    PRIVACY_REQUEST,
    *(f"ignored:{reason}" for reason in get_args(IgnoreReason)),
    *dict.fromkeys(_BY_STATUS.values()),
    OTHER,
)
UNSIGNED = frozenset({BAD_SIGNATURE, TOO_LARGE})  # they may come from anybody
UNREAD = UNSIGNED | {REFUSED, PLATFORM_ERROR}  # they bring no news of any order


def of_status(status: int) -> str:
    return _BY_STATUS.get(status, OTHER)


def of_success(status: str, reason: str | None) -> str:
    """Give the code of an answer's `status` and `reason`."""
    code = f"{status}:{reason}" if reason else status
    return code if code in ANSWERS else OTHER
