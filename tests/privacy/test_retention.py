import importlib
import pkgutil

import pytest

import trustsvc
from trustsvc import config, tables
from trustsvc.privacy.retention import RULES

for module in pkgutil.walk_packages(trustsvc.__path__, "trustsvc."):
    if module.name.rpartition(".")[2] in {"models", "outbox", "heartbeat"}:
        importlib.import_module(module.name)

COLUMNS = [column for table in tables.metadata.sorted_tables for column in table.columns]
PERSONAL = {"contact", "pseudonym", "opinion", "published", "staff", "secret"}


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_each_stored_column_says_why_how_long_and_what_it_holds(column):
    assert column.info["why"]
    assert column.info["holds"] in PERSONAL | {"none"}
    assert column.info["keep"] in RULES


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_each_rule_says_what_from_when_and_why(rule):
    assert rule.what
    assert rule.since
    assert len(rule.why) > 15


def test_each_rule_is_the_rule_of_something():
    of_columns = {column.info["keep"] for column in COLUMNS}

    assert set(RULES) - of_columns == {"server log", "letters in the maildir"}


def test_the_log_is_kept_no_longer_than_the_settings_allow():
    assert RULES["server log"].days == config.MOST_LOG_DAYS == 90


def test_the_promised_periods_hold():
    assert {code: rule.days for code, rule in RULES.items() if rule.days} == {
        "server log": 90,
        "invited buyer": 90,
        "cap period": 90,
        "correspondence": 3,
        "delivery id": 35,
        "register of requests": 1825,
        "ledger": 730,
        "letters in the maildir": 30,
        "review": 90,
        "outbox": 90,
    }
