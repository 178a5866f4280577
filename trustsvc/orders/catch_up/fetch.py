"""Ask a shop's API through the guarded client, and say by a code why there is no answer."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from math import isfinite

from trustsvc.http import client
from trustsvc.http.exchange import HttpAnswer, HttpRequest
from trustsvc.orders.catch_up.paging import ApiFailed
from trustsvc.orders.catch_up.status import ApiProblem

MAX_BYTES = 8 * 1024 * 1024
TIMEOUT_S = 20.0
A_DAY_S = 86_400
MAX_HEADER = 100  # a date, or a few numbers

PROBLEM_OF_STATUS = {
    401: ApiProblem.UNAUTHORISED,
    403: ApiProblem.UNAUTHORISED,
    404: ApiProblem.NOT_FOUND,
    429: ApiProblem.RATE_LIMITED,
}


def fetch(request: HttpRequest, now: datetime) -> HttpAnswer:
    """Give an answer that says 200; raises ApiFailed for anything else.

    At most 20 seconds and 8 MB. Nothing of the request or the answer is in the exception.
    """
    try:
        answer = client.send(request, MAX_BYTES, TIMEOUT_S)
    except client.Redirected:
        raise ApiFailed(ApiProblem.REDIRECTED) from None
    except client.AnswerTooLarge:
        raise ApiFailed(ApiProblem.TOO_LARGE) from None
    except client.Unreachable:
        raise ApiFailed(ApiProblem.UNREACHABLE) from None
    if answer.status == 200:
        return answer
    problem = PROBLEM_OF_STATUS.get(answer.status, ApiProblem.UNAVAILABLE)
    raise ApiFailed(problem, retry_after(answer, now))


def retry_after(answer: HttpAnswer, now: datetime) -> timedelta | None:
    """Read how long to wait: Retry-After (RFC 9110 10.2.3), else Lightspeed's rate limits.

    Lightspeed tells several limits at once, as in 0/2700/11700 and their seconds to a reset.
    """
    value = answer.headers.get("retry-after", "").strip()[:MAX_HEADER]
    if value:
        try:
            seconds = float(value)
        except ValueError:
            return _until(value, now)
        return timedelta(seconds=min(max(seconds, 0), A_DAY_S)) if isfinite(seconds) else None
    if answer.status != 429:
        return None
    left = answer.headers.get("x-ratelimit-remaining", "")[:MAX_HEADER].split("/")
    resets = answer.headers.get("x-ratelimit-reset", "")[:MAX_HEADER].split("/")
    spent = [
        int(reset)
        for remaining, reset in zip(left, resets, strict=False)
        if remaining.strip() == "0" and reset.strip().isdecimal() and len(reset) < 7
    ]
    return timedelta(seconds=max(spent)) if spent else None


def _until(value: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(moment - now, timedelta(0))
