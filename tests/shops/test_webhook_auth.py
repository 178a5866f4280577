import time
from datetime import timedelta

import pytest

from trustsvc import clock
from trustsvc.errors import Unauthorised
from trustsvc.shops import enrol, secret_rotation, webhook_auth
from trustsvc.shops.models import shops
from trustsvc.storage import db

OLD = "the-old-secret-of-the-shop"
NEW = "the-new-secret-of-the-shop"


@pytest.fixture(autouse=True)
def forgotten():
    webhook_auth.forget()


@pytest.fixture
def shop(installation):
    with db.transaction() as session:
        new = enrol.Enrolment("Shop", "shop.example", "shopify", secret=OLD)
        return enrol.enrol(session, new, clock.now())[0]


def attempt(shop, secret, *, platform="shopify", endpoint_id=None, now=None, asked=None):
    def is_signed_with(known):
        if asked is not None:
            asked.append(known)
        return known == secret

    place = (platform, endpoint_id or shop.endpoint_id)
    return webhook_auth.authenticate(db.reading, *place, is_signed_with, now or clock.now())


def test_a_shop_is_recognised_by_its_endpoint_and_its_secret(shop):
    assert attempt(shop, OLD) == shop


@pytest.mark.parametrize(
    "wrong", [{"secret": "x"}, {"endpoint_id": "x"}, {"platform": "woocommerce"}]
)
def test_anything_else_is_refused_in_one_way(shop, wrong):
    with pytest.raises(Unauthorised) as refused:
        attempt(shop, **({"secret": OLD} | wrong))

    assert refused.value.detail == Unauthorised.title


def test_a_closed_shop_is_refused(shop):
    with db.transaction() as session:
        session.execute(shops.update().values(closed_at=clock.now()))

    with pytest.raises(Unauthorised):
        attempt(shop, OLD)


def test_two_signatures_are_checked_whatever_is_wrong(shop):
    for case in ({"endpoint_id": "x"}, {"platform": "standard"}, {}):
        asked = []
        with pytest.raises(Unauthorised):
            attempt(shop, "wrong", asked=asked, **case)
        assert len(asked) == 2
        assert min(map(len, asked)) >= 16


def test_two_secrets_live_for_a_day(shop):
    now = clock.now()
    with db.transaction() as session:
        assert secret_rotation.rotate_secret(session, shop.slug, NEW, now) == NEW

    almost = now + timedelta(hours=24) - timedelta(milliseconds=2)
    for secret, moment in [(OLD, now), (NEW, now), (OLD, almost), (NEW, almost)]:
        assert attempt(shop, secret, now=moment).id == shop.id
    over = now + timedelta(hours=24)
    assert attempt(shop, NEW, now=over).id == shop.id
    with pytest.raises(Unauthorised):
        attempt(shop, OLD, now=over)


def test_a_shop_that_just_signed_is_recognised_without_the_database(shop):
    assert attempt(shop, OLD) == shop
    asked = []

    assert attempt(shop, OLD, asked=asked) == shop

    assert asked == [OLD]


@pytest.mark.parametrize("signed_before", [False, True])
def test_a_wrong_signature_has_two_checks_whether_the_shop_just_signed_or_not(shop, signed_before):
    if signed_before:
        attempt(shop, OLD)
    asked = []

    with pytest.raises(webhook_auth.WrongSignature):
        attempt(shop, "wrong", asked=asked)

    assert (len(asked), asked.count(OLD)) == (2, 1)


def test_who_just_signed_is_forgotten_after_a_second_and_when_this_process_changes_a_shop(
    shop, monkeypatch
):
    attempt(shop, OLD)
    with db.transaction() as session:
        secret_rotation.rotate_secret(session, shop.slug, NEW, clock.now(), revoke=True)
    with pytest.raises(Unauthorised):
        attempt(shop, OLD)

    assert attempt(shop, NEW) == shop
    with db.transaction() as session:  # as another process would
        session.execute(shops.update().values(closed_at=clock.now()))
    assert attempt(shop, NEW) == shop
    over = time.monotonic() + webhook_auth.LIFETIME_S
    monkeypatch.setattr(webhook_auth.time, "monotonic", lambda: over)
    with pytest.raises(Unauthorised):
        attempt(shop, NEW)


def test_a_secret_that_is_revoked_while_it_is_checked_is_not_remembered(shop):
    def is_signed_with(known):
        if known == OLD:  # meanwhile, in another thread
            with db.transaction() as session:
                secret_rotation.rotate_secret(session, shop.slug, NEW, clock.now(), revoke=True)
        return known == OLD

    place = (db.reading, "shopify", shop.endpoint_id)
    webhook_auth.authenticate(*place, is_signed_with, clock.now())

    with pytest.raises(Unauthorised):
        attempt(shop, OLD)


def test_the_old_secret_is_looked_up_each_time(shop):
    with db.transaction() as session:
        secret_rotation.rotate_secret(session, shop.slug, NEW, clock.now())
    asked = []

    for _ in range(2):
        attempt(shop, OLD, asked=asked)

    assert asked == [NEW, OLD] * 2


def test_no_more_shops_are_remembered_than_the_limit_and_none_longer_than_needed(shop, monkeypatch):
    monkeypatch.setattr(webhook_auth, "MAX_REMEMBERED", 3)
    known = webhook_auth._Remembered(shop, "secret", time.monotonic() + webhook_auth.LIFETIME_S)
    for number in range(5):
        webhook_auth._remember(("shopify", f"e{number}"), known)

    assert [endpoint for _, endpoint in webhook_auth._remembered] == ["e2", "e3", "e4"]
    over = time.monotonic() + webhook_auth.LIFETIME_S
    monkeypatch.setattr(webhook_auth.time, "monotonic", lambda: over)
    webhook_auth._remember(("shopify", "new"), known)
    assert [endpoint for _, endpoint in webhook_auth._remembered] == ["new"]
