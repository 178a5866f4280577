"""The rate limit on guesses: wrong signatures and credentials of one network, at every route."""

from datetime import timedelta

from flask import g

from trustsvc import clock
from trustsvc.errors import TooMany, TrustsvcError, Unauthorised
from trustsvc.http.access import Requirement
from trustsvc.http.rate_limit import RateLimit
from trustsvc.server_log import requester

# A right one is never counted: a platform sends for many shops, a provider for many senders.
wrong_signature_limit = RateLimit("wrong_signature", limit=60, period=timedelta(minutes=1))


def limited(error: TrustsvcError, requirement: Requirement) -> TrustsvcError:
    """Count a refused signature, and give what is answered: TooMany above the limit.

    Call it once an answer. Any other error comes back as it is.
    """
    if requirement != "signature" or not isinstance(error, Unauthorised):
        return error
    g.suspicion = "bad_signature"
    return error if wrong_signature_limit.allows(requester.address(), clock.now()) else TooMany()
