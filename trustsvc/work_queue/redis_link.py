"""Clients of Redis: of one server, or of the primary that Sentinels name at each connection.

A primary that became a replica answers READONLY: the client leaves it and asks the Sentinels.
"""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from trustsvc import redis_url

HASTY_S = 0.05


def _quick_options(answer_s: float = 1.0, connect_s: float = 0.5) -> dict[str, Any]:
    """Give time-outs for a caller who waits; by default a silent Redis is asked four times."""
    return {
        "socket_timeout": answer_s,
        "socket_connect_timeout": connect_s,
        "retry": Retry(NoBackoff(), 0),
    }


def quick(url: str) -> redis.Redis:
    """Make a client with short time-outs, for a request that waits for it."""
    return _client(url, _quick_options())


def hasty(url: str) -> redis.Redis:
    """Make a client for what a request can do without: 50 ms for a connection, and for an answer.

    As much for each Sentinel.
    """
    return _client(url, _quick_options(HASTY_S, HASTY_S), of_sentinels=(HASTY_S, HASTY_S))


def patient(url: str, timeout_s: float) -> redis.Redis:
    """Make a client for a worker: while it waits for a job, Redis may send nothing for so long.

    Set when connecting, because RQ does not change it on a connection that was used already.
    """
    return _client(url, {"socket_timeout": timeout_s})


def silent_sentinels(url: str) -> tuple[int, int]:
    """Count the Sentinels that do not answer, and all."""
    sentinels = _sentinels(redis_url.parse_sentinel(url)).sentinels
    return sum(not _answers(one) for one in sentinels), len(sentinels)


def _client(
    url: str, options: dict[str, Any], of_sentinels: tuple[float, float] = (1.0, 0.5)
) -> redis.Redis:
    if not redis_url.is_sentinel(url):
        return redis.Redis.from_url(url, **options)
    parsed = redis_url.parse_sentinel(url)
    more = {"db": parsed.database, **_tls(parsed), **parsed.login, **options}
    sentinels = _sentinels(parsed, *of_sentinels)
    client: redis.Redis = sentinels.master_for(parsed.service, **more)  # type: ignore[no-untyped-call]
    return client


class _Sentinels(Sentinel):
    """Sentinels whose error is a short line: the library's own names each option of each client."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            found: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except MasterNotFoundError:
            raise MasterNotFoundError("no Sentinel names a primary") from None
        return found


def _sentinels(
    parsed: redis_url.SentinelUrl, answer_s: float = 1.0, connect_s: float = 0.5
) -> _Sentinels:
    options = {**_quick_options(answer_s, connect_s), **_tls(parsed), **parsed.sentinel_login}
    places = list(parsed.sentinels)
    return _Sentinels(places, sentinel_kwargs=options)  # type: ignore[no-untyped-call]


def _tls(parsed: redis_url.SentinelUrl) -> dict[str, Any]:
    return {"ssl": True, **parsed.tls} if parsed.has_tls else {}


def _answers(sentinel: redis.Redis) -> bool:
    try:
        return bool(sentinel.ping())
    except redis.RedisError:
        return False
