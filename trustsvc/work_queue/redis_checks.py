"""How a Redis is set up: read from INFO, which servers that hide CONFIG show as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import redis

from trustsvc.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """What matters to us; `evicts` is None where the server does not say."""

    evicts: bool | None
    is_on_disk: bool
    is_replica: bool


def inspect(link: redis.Redis) -> RedisConfig:
    """Ask a server how it is set up; raises RedisError when it is away.

    A server that refuses INFO is not refused for that: it is a bell, and SQL is the truth.
    """
    try:
        said = cast("Mapping[str, Any]", link.info())
    except redis.ResponseError:
        said = {}
    return parse_info(said)


def parse_info(said: Mapping[str, Any]) -> RedisConfig:
    policy = said.get("maxmemory_policy")
    return RedisConfig(
        evicts=None if policy is None else policy != "noeviction",
        is_on_disk=bool(said.get("aof_enabled")),
        is_replica=said.get("role") == "slave",
    )


def require_safe(found: RedisConfig) -> None:
    """Raise Misconfigured for a server that may throw away what it was given.

    Whether it has a memory limit today is not looked at: somebody may give it one tomorrow.
    """
    if found.evicts:
        raise Misconfigured(
            "This Redis may throw away what it was given: set its maxmemory-policy to noeviction, "
            "or leave TRUSTSVC_REDIS_URL away to use the embedded one."
        )
