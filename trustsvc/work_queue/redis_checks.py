"""How a Redis is configured: read from INFO, which servers that hide CONFIG still answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import redis

from trustsvc.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """The options that matter here; `evicts` is None where the server does not tell."""

    evicts: bool | None
    is_on_disk: bool
    is_replica: bool


def inspect(link: redis.Redis) -> RedisConfig:
    """Read how a server is configured; raises RedisError when it is away.

    A server that refuses INFO is accepted: the queue is a hint, the database is the truth.
    """
    try:
        info = cast("Mapping[str, object]", link.info())
    except redis.ResponseError:
        info = {}
    return parse_info(info)


def parse_info(info: Mapping[str, object]) -> RedisConfig:
    policy = info.get("maxmemory_policy")
    return RedisConfig(
        evicts=None if policy is None else policy != "noeviction",
        is_on_disk=bool(info.get("aof_enabled")),
        is_replica=info.get("role") == "slave",
    )


def require_safe(setup: RedisConfig) -> None:
    """Raise Misconfigured for a server whose policy may evict jobs.

    Its memory limit is not looked at: somebody may set one tomorrow.
    """
    if setup.evicts:
        raise Misconfigured(
            "This Redis may throw away what it was given: set its maxmemory-policy to noeviction, "
            "or leave TRUSTSVC_REDIS_URL away to use the embedded one."
        )
