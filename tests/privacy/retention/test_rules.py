from trustsvc import config
from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.documents.activities import ACTIVITIES, IN_FILES
from trustsvc.privacy.retention.rules import RULES

COLUMNS = data_inventory.columns()


def test_each_rule_says_what_from_when_and_why():
    complete = [r.code for r in RULES.values() if r.what and r.since and len(r.why) > 15]

    assert complete == list(RULES)


def test_each_rule_is_the_rule_of_something():
    of_columns = {column.info["retention"] for column in COLUMNS}

    assert set(RULES) - of_columns == {"server_log", "maildir"}


def test_each_rule_belongs_to_one_activity_of_the_record():
    for code in RULES:
        assert len([one.code for one in ACTIVITIES if code in one.rules]) == 1


def test_what_is_kept_in_files_is_by_a_rule_too():
    assert set(IN_FILES) <= set(RULES)


def test_the_log_is_kept_no_longer_than_the_settings_allow():
    assert RULES["server_log"].days == config.MAX_LOG_DAYS == 90


def test_the_promised_periods_hold():
    assert {code: rule.days for code, rule in RULES.items() if rule.days} == {
        "server_log": 90,
        "security_events": 90,
        "buyer_contact": 90,
        "frequency_cap": 90,
        "transactional_mail": 3,
        "pending_registration": 3,
        "webhook_delivery": 35,
        "webhook_counts": 120,
        "request_log": 1825,
        "decision_log": 730,
        "maildir": 30,
        "review": 90,
        "disclosure_log": 730,
        "event_log": 90,
    }
