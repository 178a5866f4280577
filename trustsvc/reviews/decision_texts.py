"""Texts for the decision log's codes. Pure. A code without a text is returned as it is."""

import re

from trustsvc import i18n
from trustsvc.orders.decision_log import DecisionLogEntry
from trustsvc.reviews.policy import REASONS

_DELAY = re.compile(r"(\d+)_(minutes|hours|days|weekdays)_after_(delivered|shipped|paid|created)")
_REMINDER = re.compile(r"reminder_after_(\d+)_days")
_SMTP = re.compile(r"smtp_(\d{3})")


def describe(entry: DecisionLogEntry, language: str) -> tuple[str, str, str]:
    """Return the texts of an entry's step, rule and outcome."""
    return (
        _text("step", entry.step, language),
        _rule(entry.rule, language),
        _text("outcome", entry.outcome, language),
    )


def _rule(code: str, language: str) -> str:
    if match := _DELAY.fullmatch(code):
        return _after(match[1], match[2], match[3], language)
    if match := _REMINDER.fullmatch(code):
        return _after(match[1], "days", "invitation", language)
    if match := _SMTP.fullmatch(code):
        return i18n.translate("desk.rule.smtp", language, code=match[1])
    return _text("reason" if code in REASONS else "rule", code, language)


def _after(number: str, unit: str, event: str, language: str) -> str:
    delay = i18n.translate(f"desk.delay.{unit}", language, count=number)
    return i18n.translate(f"desk.after.{event}", language, delay=delay)


def _text(kind: str, code: str, language: str) -> str:
    return i18n.catalogue(language).get(f"desk.{kind}.{code}", code)
