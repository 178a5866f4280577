"""Checks of the shops' webhooks: which fell silent, and whose deliveries cannot be used."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.orders.webhook_health import answers, summary

# What an alarm says of the shops it names, and the cure; docs/how-to/silent-shop.md has more.
_TROUBLES: Mapping[summary.Trouble, tuple[str, str]] = {
    "platform_error": (
        "WooCommerce sends errors instead of orders",
        "save its webhooks again as a WordPress user who exists and may read orders",
    ),
    "bad_signature": (
        "no order can be read, its deliveries have a wrong signature",
        "give its platform the secret of this service, or trustsvc shop rotate SLUG",
    ),
    "refused": (
        "no order can be read, its deliveries are refused as unusable",
        "compare its webhooks with the documentation: topic, format, version",
    ),
    "silent": (
        "fell silent, measured against its own rhythm",
        "are its webhooks still active at the platform? is this service reachable from outside?",
    ),
}
# Answers that a shop should not get, whatever else it gets.
_PROBLEMS = (answers.BAD_SIGNATURE, answers.REFUSED, answers.TOO_LARGE)


def webhook_deliveries(session: Session, now: datetime) -> list[Finding]:
    """Name the shops with an alarm, and those with webhook deliveries that cannot be used."""
    every = summary.of_all_shops(session, now)
    findings = []
    for trouble, (detail, remedy) in _TROUBLES.items():
        names = [f"{one.shop.slug} ({_since(one)})" for one in every if one.trouble == trouble]
        if names:
            level = fail if trouble == "platform_error" else warn
            findings.append(level("deliveries", f"{detail}: {' '.join(names)}", remedy))
    for problem in _PROBLEMS:
        # An alarm of that very problem is a line of its own.
        findings += _unusable([one for one in every if one.trouble != problem], problem)
    return findings or [ok("deliveries", "no shop fell silent")]


def _since(one: summary.ShopHealth) -> str:
    return f"last order news {one.read_at:%Y-%m-%d}" if one.read_at else "no order news yet"


def _unusable(shops: Sequence[summary.ShopHealth], problem: str) -> list[Finding]:
    names = [f"{one.shop.slug} ({one.counts[problem]})" for one in shops if problem in one.counts]
    if not names:
        return []
    detail = f"answered {problem} in 7 days: {' '.join(names)}"
    return [warn("deliveries", detail, "see webhook answers in the documentation")]
