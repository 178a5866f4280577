"""Say the ledger's codes in words. Pure. A code without words is said as it is."""

import re

from trustsvc import i18n
from trustsvc.orders.decision_log import DecisionLogEntry
from trustsvc.reviews.policy import REASONS

_DELAY = re.compile(r"(\d+)_(minutes|hours|days|weekdays)_after_(delivered|shipped|paid|created)")
_REMINDER = re.compile(r"reminder_after_(\d+)_days")
_SMTP = re.compile(r"smtp_(\d{3})")


def describe(line: DecisionLogEntry, language: str) -> tuple[str, str, str]:
    """Say a line's step, rule and outcome to people."""
    return (
        _said("step", line.step, language),
        _rule(line.rule, language),
        _said("outcome", line.outcome, language),
    )


def _rule(code: str, language: str) -> str:
    if found := _DELAY.fullmatch(code):
        return _after(found[1], found[2], found[3], language)
    if found := _REMINDER.fullmatch(code):
        return _after(found[1], "days", "letter", language)
    if found := _SMTP.fullmatch(code):
        return i18n.translate("desk.rule.smtp", language, code=found[1])
    return _said("reason" if code in REASONS else "rule", code, language)


def _after(number: str, unit: str, moment: str, language: str) -> str:
    delay = i18n.translate(f"desk.delay.{unit}", language, count=number)
    return i18n.translate(f"desk.after.{moment}", language, delay=delay)


def _said(kind: str, code: str, language: str) -> str:
    return i18n.catalogue(language).get(f"desk.{kind}.{code}", code)
