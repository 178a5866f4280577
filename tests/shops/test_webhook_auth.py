from datetime import timedelta

import pytest

from trustsvc import clock
from trustsvc.errors import Unauthorised
from trustsvc.shops import enrol, secret_rotation, webhook_auth
from trustsvc.shops.models import shops
from trustsvc.storage import db

OLD = "the-old-secret-of-the-shop"
NEW = "the-new-secret-of-the-shop"


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

    with db.reading() as session:
        return webhook_auth.authenticate(
            session, platform, endpoint_id or shop.endpoint_id, is_signed_with, now or clock.now()
        )


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
