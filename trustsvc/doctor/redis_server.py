"""The readiness check of Redis: takes writes, has free memory, is primary, keeps jobs, on disk."""

from collections.abc import Sequence
from datetime import datetime

import redis
from redis.sentinel import MasterNotFoundError

from trustsvc import config, redis_url
from trustsvc.doctor.finding import Finding, Result, fail, failed, ok, warn
from trustsvc.errors import TrustsvcError
from trustsvc.work_queue import job_queue, redis_checks, redis_link
from trustsvc.work_queue.redis_checks import RedisConfig, WriteRefusal

NAME = "redis"
ALMOST_FULL = 0.9


def redis_server(_: datetime) -> Result:
    """Write a key that expires, and read what the server says of itself."""
    try:
        link = job_queue.connection()
        refusal = redis_checks.try_write(link)
        server = redis_checks.inspect(link)
    except MasterNotFoundError:
        status = "without a primary: work goes on, up to a minute late"
        remedy = "are they up and agreed? is the service's name in TRUSTSVC_REDIS_URL theirs?"
        return failed(NAME, status, "no Sentinel names a primary", remedy)
    except (redis.RedisError, TrustsvcError):
        status = "away: work goes on, up to a minute late"
        remedy = "is trustsvc up running? see TRUSTSVC_REDIS_URL"
        return failed(NAME, status, "it does not answer", remedy)
    wrong = _failures(server, refusal)
    return Result(
        ", ".join(one.detail for one in wrong) or "ok",
        [*wrong, *_warnings(server, refusal)]
        or [ok(NAME, "takes writes, evicts nothing, on disk")],
    )


def sentinels() -> list[Finding]:
    """Warn of Sentinels that do not answer; no line without any."""
    url = config.current().redis_url
    if not redis_url.is_sentinel(url):
        return []
    silent, number = redis_link.silent_sentinels(url)
    if not silent:
        return [ok("sentinels", f"{number} of {number} answer")]
    remedy = "start them: without most of them no other primary is chosen"
    return [warn("sentinels", f"{silent} of {number} do not answer", remedy)]


def _failures(server: RedisConfig, refusal: WriteRefusal | None) -> list[Finding]:
    """Give failures with constant details: they are the status, too."""
    failures = []
    if server.is_replica or refusal is WriteRefusal.REPLICA:
        remedy = "set TRUSTSVC_REDIS_URL to the primary"
        failures.append(fail(NAME, "it is a replica", remedy))
    if refusal is WriteRefusal.FULL or (server.used_share or 0) >= 1:
        remedy = "raise its maxmemory, or find out what else fills it"
        failures.append(fail(NAME, "it is out of memory", remedy))
    if refusal is WriteRefusal.OTHER:
        remedy = "see its log: disk, number of replicas, access rights"
        failures.append(fail(NAME, "it takes no write", remedy))
    if server.evicts:
        remedy = "set maxmemory-policy noeviction"
        failures.append(fail(NAME, "it evicts jobs when full", remedy))
    return failures


def _warnings(server: RedisConfig, refusal: WriteRefusal | None) -> Sequence[Finding]:
    findings = []
    share = server.used_share or 0
    if refusal is None and ALMOST_FULL <= share < 1:
        findings.append(warn(NAME, f"{share:.0%} of its memory is used", "raise its maxmemory"))
    if server.evicts is None:
        remedy = "check maxmemory-policy noeviction and appendonly yes by hand"
        findings.append(warn(NAME, "reachable; it does not show its configuration", remedy))
    elif not server.is_on_disk:
        findings.append(warn(NAME, "jobs are lost when it restarts", "set appendonly yes"))
    if redis_url.is_open(config.current().redis_url):
        remedy = "set one: every user of this machine can enqueue jobs"
        findings.append(warn(NAME, "it has no password", remedy))
    return findings
