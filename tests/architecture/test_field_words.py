"""A newcomer greps for the field's word and finds the module: the first lines of docstrings."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHERE_IS = {
    "rate limit": "trustsvc/http/rate_limit.py",
    "retry policy": "trustsvc/mail/outbox/retry_policy.py",
    "circuit breaker": "trustsvc/mail/outbox/circuit_breaker.py",
    "suppression list": "trustsvc/registry/opt_out.py",
    "audit trail": "trustsvc/orders/decision_log.py",
    "webhook signature": "trustsvc/orders/platforms/signature.py",
    "idempotency": "trustsvc/orders/idempotency.py",
    "scheduler": "jobs/schedule.py",
    "retention policy": "trustsvc/privacy/retention/rules.py",
    "encryption of columns": "trustsvc/crypto/encrypted_column.py",
    "column encryption": "trustsvc/crypto/encrypted_column.py",
    "deduplication": "trustsvc/orders/idempotency.py",
    "webhook signature check": "trustsvc/shops/webhook_auth.py",
}


@cache
def first_lines():
    return {
        str(path.relative_to(ROOT)): (ast.get_docstring(ast.parse(path.read_text())) or "")
        .partition("\n")[0]
        .lower()
        for path in [*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]
    }


@pytest.mark.parametrize("word", WHERE_IS)
def test_one_grep_finds_the_module_of_a_word(word):
    found = [path for path, line in first_lines().items() if word in line]

    assert WHERE_IS[word] in found
    assert len(found) <= 4  # few enough to be an answer
