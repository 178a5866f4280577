"""Prove that a shop's domain is the shop's: a line in a file that only its owner can put there."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.errors import Refused
from trustsvc.http import client
from trustsvc.shops.directory import Shop
from trustsvc.shops.models import shops
from trustsvc.storage import event_log
from trustsvc.work_queue import job_queue

PROOF_PATH = "/.well-known/trustsvc.txt"


def proof_line(shop: Shop) -> str:
    """Return the line for the file; it differs by domain."""
    secret = keyring.keys("link")[0].secret
    proof = pseudonyms.hmac_sha256(secret, f"domain of shop {shop.id}: {shop.domain}")
    return f"trustsvc-shop={proof[:16].hex()}"


def proof_url(shop: Shop) -> str:
    """Return the address of the file."""
    host = shop.domain.rpartition(":")[0] or shop.domain
    at_home = is_loopback(host) and config.current().is_loopback
    return f"{'http' if at_home else 'https'}://{shop.domain}{PROOF_PATH}"


def require_proof(shop: Shop) -> None:
    """Check the line; call it outside a transaction, since it waits for the network.

    Raises Refused with what to put where when it is not there.
    """
    if not is_proven(shop):
        raise Refused(
            f"The domain is not proven yet. Put this line into {proof_url(shop)} and try again:\n\n"
            f"    {proof_line(shop)}\n"
        )


def is_proven(shop: Shop, within_s: float = client.TOTAL_TIMEOUT_S) -> bool:
    """Whether the file has the line; False for an unreachable server."""
    try:
        body = client.get(proof_url(shop), timeout_s=within_s)
    except client.Unreachable:
        return False
    return proof_line(shop) in body.decode("utf-8", "replace").split()


def record_proof(session: Session, shop: Shop, now: datetime) -> None:
    """Record that the domain is proven; the badge shows its seal from now on."""
    session.execute(
        update(shops)
        .where(shops.c.id == shop.id, shops.c.domain == shop.domain)
        .values(proven_at=now, domain_checked_at=now, missed_checks=0)
    )
    event_log.record(session, "shop.proven", shop.id, shop.id, now)
    job_queue.enqueue(session, "refresh_badges")
