from datetime import UTC, datetime

import pytest

from trustsvc import i18n
from trustsvc.mail.message import SendStatus
from trustsvc.orders.aspects import ASPECTS
from trustsvc.orders.decision_log import DecisionLogEntry
from trustsvc.orders.merge import ERASED
from trustsvc.orders.platform_status import NOT_DELIVERED, PlatformStatus
from trustsvc.reviews import decision_texts
from trustsvc.reviews.policy import REASONS
from trustsvc.shops.settings import SKIPPABLE

AT = datetime(2026, 11, 21, tzinfo=UTC)
# What accept, rules, due, send and purge write down; a code that is missing here is shown as it is.
RULES = (
    "new over registry no_contact shop_closed cancelled refunded opted_out unpaid asked_before "
    "another_planned consent contact contact_removed unchanged repeated no_buyer said_no "
    "draft no_address test_order unknown_topic "
    "date_unreadable not_fulfilled never_fulfilled suspended invitation_suspended waited_too_long "
    "address_reserved address_own_domain address_marketplace "
    "too_old no_basis_registered no_basis_consent may_ask_registered may_ask_consent "
    "may_ask_customers no_reminders no_reminder_de invitation_redeemed invitation_withdrawn "
    "expired review stop undeliverable complaint refused staff ok retry_limit "
    "sender_died maildir not_composed no_connection connection_lost no_tls no_login no_answer "
    "smtputf8 smtp_garbled address header"
)
STEPS = (
    "accept check may_ask plan plan_reminder send send_invitation send_reminder redeem "
    "withdraw decide purge report_invitation report_reminder"
)
OUTCOMES = (
    "received duplicate ignored registered not_registered ask wait refuse planned moved dropped "
    "withdrawn redeemed approved rejected forgotten delivered delayed soft hard complaint"
)


def words(step="check", rule="registry", outcome="registered", language="en"):
    return decision_texts.describe(DecisionLogEntry(1, step, rule, outcome, AT), language)


def test_a_line_is_put_in_words():
    assert words() == ("Registration check", "compared with who is registered", "registered")


@pytest.mark.parametrize(
    ("rule", "language", "expected"),
    [
        ("7_days_after_shipped", "en", "7 days after shipping"),
        ("1_days_after_delivered", "en", "1 day after delivery"),
        ("1_weekdays_after_paid", "nl", "1 werkdag na de betaling"),
        ("2_hours_after_created", "de", "2 Stunden nach der Bestellung"),
        ("30_minutes_after_paid", "fr", "30 minutes après le paiement"),
        ("reminder_after_5_days", "nl", "5 dagen na de uitnodiging"),
        ("smtp_550", "de", "der Mailserver antwortete 550"),
        ("spam", "en", "it is advertising or says nothing"),
    ],
)
def test_a_rule_with_a_number_in_it_is_put_in_words_too(rule, language, expected):
    assert words(rule=rule, language=language)[1] == expected


@pytest.mark.parametrize("code", ["something_new", "", "<script>", "title", "smtp_5", "{0}"])
def test_a_code_without_words_is_shown_as_it_is(code):
    assert words(code, code, code)[0] == code
    assert words(code, code, code)[2] == code


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_code_of_the_installation_has_words(language):
    outcomes = [
        *OUTCOMES.split(),
        *(one.value for one in SendStatus if one is not SendStatus.UNTRIED),
    ]
    rules = [
        *RULES.split(),
        *ASPECTS,
        ERASED,
        *(
            platform_status
            for platform_status in PlatformStatus
            if platform_status is not PlatformStatus.OPEN
        ),
        *NOT_DELIVERED,
        *(f"skip_{trait}" for trait in (*SKIPPABLE, "tag", "renewal")),
    ]
    codes = [("step", STEPS.split()), ("rule", rules), ("outcome", outcomes), ("reason", REASONS)]

    for kind, some in codes:
        keys = {f"desk.{kind}.{code}" for code in some}
        assert keys - set(i18n.catalogue(language)) == set()
