import re

import pytest
from sqlalchemy import update

from tests.reviews.sample_reviews import shop
from trustsvc import clock, i18n
from trustsvc.privacy.retention import expired
from trustsvc.privacy.retention.rules import RULES
from trustsvc.shops.models import shops
from trustsvc.storage import db

# Which rule of the purge stands behind which line of the notice.
RULE_OF = {
    "invite": "buyer_contact",
    "delivery": "maildir",
    "frequency_cap": "frequency_cap",
    "duplicates": "webhook_delivery",
    "answers": "transactional_mail",
    "register": "pending_registration",
    "review": "review",
    "author": "review",
    "log": "server_log",
    "security": "security_events",
}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_notice_is_whole_in_every_language(client, language):
    shop()
    answer = client.get("/privacy/velo-fils", headers={"Accept-Language": language})

    page = answer.text
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in page
    for part in ("Vélo &amp; Fils", "shop.example.com", "90", "privacy@localhost", "2026"):
        assert part in page
    for key in ("object_title", "authority_title", "rights_title"):
        assert str(i18n.translate_html(f"privacy.notice.{key}", language)) in page
    assert "{" not in page


def _kept(client, language):
    """How long each purpose's data is kept, as the notice says it."""
    page = client.get("/privacy/velo-fils", headers={"Accept-Language": language}).text
    found = re.findall(r"<h3>(.*?)</h3>.*?<dd>.*?</dd>.*?<dd>(.*?)</dd>", page, re.DOTALL)
    return dict(found)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_period_of_the_notice_is_the_one_the_purge_keeps_to(client, language):
    made = shop()
    kept = _kept(client, language)

    def days(number):
        return i18n.translate("privacy.days", language, count=number)

    stated = {name: kept[i18n.translate(f"privacy.notice.{name}", language)] for name in RULE_OF}
    for name, rule in RULE_OF.items():
        assert (name, True) == (name, days(RULES[rule].days) in stated[name])
    assert days(made.max_age_days) in stated["invite"]
    assert days(expired.MAX_RETENTION.days) in stated["invite"]
    decided = kept[i18n.translate("privacy.notice.decisions", language)]
    years = RULES["decision_log"].days // 365
    assert i18n.translate("privacy.years", language, count=years) in decided
    answered = kept[i18n.translate("privacy.notice.requests", language)]
    years = RULES["request_log"].days // 365
    assert i18n.translate("privacy.years", language, count=years) in answered


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_period_of_the_notice_is_written_into_its_words(language):
    words = i18n.catalogue(language)

    assert [k for k, text in words.items() if k.endswith("_kept") and re.search(r"\d", text)] == []


def test_each_rule_with_a_period_that_concerns_buyers_is_in_the_notice():
    periods = {code for code, rule in RULES.items() if rule.days}

    # What happened, by kind and number only: nobody is in it. Two periods are given in years.
    # That somebody was listed says nothing of them: only who looked.
    nobody = {"event_log", "decision_log", "disclosure_log", "request_log", "webhook_counts"}
    assert periods - set(RULE_OF.values()) == nobody


@pytest.mark.parametrize(("cap_days", "period"), [(30, "90 days"), (200, "200 days")])
def test_the_notice_says_how_long_the_pseudonym_of_a_buyer_really_stays(client, cap_days, period):
    shop()
    with db.transaction() as session:
        session.execute(update(shops).values(cap_days=cap_days))

    kept = _kept(client, "en")["Not asking you too often"]
    assert (period in kept, "365 days after the last one" in kept) == (True, True)


@pytest.mark.parametrize("may_ask", ["registered", "consent", "customers"])
def test_the_notice_names_the_legal_ground_of_this_shop(client, may_ask):
    from trustsvc.shops import enrol

    new = enrol.Enrolment("Acme", "acme.example", "standard", may_ask=may_ask)
    with db.transaction() as session:
        enrol.enrol(session, new, clock.now())

    page = client.get("/privacy/acme", headers={"Accept-Language": "en"}).text

    assert str(i18n.translate_html(f"privacy.notice.basis_{may_ask}", "en")) in page


def test_an_unknown_shop_has_no_notice(client):
    assert client.get("/privacy/nobody").status_code == 404
