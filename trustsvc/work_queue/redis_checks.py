"""How a Redis is configured: read from INFO, which servers that hide CONFIG still answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import cast

import redis

from trustsvc.errors import Misconfigured

TRIAL_KEY = "trustsvc:trial"
TRIAL_TTL_S = 60


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """What matters here; `evicts` is None where the server does not tell.

    `used_share` is how much of its memory limit is used; None without a limit.
    """

    evicts: bool | None
    is_on_disk: bool
    is_replica: bool
    used_share: float | None = None


class WriteRefusal(Enum):
    """Why a server takes no write."""

    FULL = "full"
    REPLICA = "replica"
    OTHER = "other"


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
    limit, used = info.get("maxmemory"), info.get("used_memory")
    return RedisConfig(
        evicts=None if policy is None else policy != "noeviction",
        is_on_disk=bool(info.get("aof_enabled")),
        is_replica=info.get("role") == "slave",
        used_share=used / limit
        if isinstance(used, int) and isinstance(limit, int) and limit
        else None,
    )


def try_write(link: redis.Redis) -> WriteRefusal | None:
    """Write a key that expires; gives why the server refuses it. Raises RedisError when away."""
    try:
        link.set(TRIAL_KEY, 1, ex=TRIAL_TTL_S)
    except redis.exceptions.OutOfMemoryError:
        return WriteRefusal.FULL
    except redis.exceptions.ReadOnlyError:
        return WriteRefusal.REPLICA
    except redis.exceptions.BusyLoadingError:
        raise
    except redis.ResponseError:
        return WriteRefusal.OTHER
    return None


def require_safe(setup: RedisConfig) -> None:
    """Raise Misconfigured for a server whose policy may evict jobs.

    Its memory limit is not looked at: somebody may set one tomorrow.
    """
    if setup.evicts:
        raise Misconfigured(
            "This Redis may throw away what it was given: set its maxmemory-policy to noeviction, "
            "or leave TRUSTSVC_REDIS_URL away to use the embedded one."
        )
