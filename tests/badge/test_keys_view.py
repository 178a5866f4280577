import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from jobs.refresh_badges import refresh_badges
from tests.reviews.sample_reviews import shop
from trustsvc import cli, clock, config
from trustsvc.badge import public_files
from trustsvc.badge.statement import key_set, signing, statement
from trustsvc.crypto import keyring
from trustsvc.shops.models import shops
from trustsvc.storage import db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def sealed():
    made = shop()
    with db.transaction() as session:
        session.execute(update(shops).values(proven_at=clock.now() - DAY))
    return made


def names(now):
    return [key["kid"] for key in json.loads(signing.public_key_set(now))["keys"]]


def proof(client):
    return client.get("/badge/v1/velo-fils.json").json.get("proof")


def test_the_keys_are_there_for_everybody_for_an_hour_and_hold_no_secret(client):
    answer = client.get("/.well-known/trustsvc-keys.json")

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    assert set(answer.json) == {"keys"}
    assert [set(one) for one in answer.json["keys"]] == [{"kty", "crv", "x", "kid", "alg", "use"}]
    again = client.get(
        "/.well-known/trustsvc-keys.json", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_the_round_writes_the_same_bytes_as_a_file(client):
    rendered = client.get("/.well-known/trustsvc-keys.json").data
    assert not (public_files.folder() / ".well-known").exists()

    refresh_badges()

    assert (public_files.folder() / ".well-known/trustsvc-keys.json").read_bytes() == rendered
    assert client.get("/.well-known/trustsvc-keys.json").data == rendered


def test_a_badge_is_signed_while_its_seal_holds_and_only_then(client):
    shop()
    assert proof(client) is None

    with db.transaction() as session:
        session.execute(update(shops).values(proven_at=clock.now()))
    public = key_set.read(client.get("/.well-known/trustsvc-keys.json").data)
    signed = statement.decode(proof(client), public)
    assert (signed.iss, signed.sub, signed.shop) == (
        config.current().base_url, "shop.example.com", "velo-fils",
    )  # fmt: skip
    assert (signed.score, signed.count) == (0.0, 0)

    with db.transaction() as session:
        session.execute(update(shops).values(closed_at=clock.now()))
    assert proof(client) is None


def test_the_file_is_written_once_a_day_and_not_at_each_round(installation):
    sealed()
    refresh_badges()
    path = public_files.folder() / "badge/v1/velo-fils.json"
    before = path.read_bytes(), path.stat().st_mtime_ns

    refresh_badges()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before

    with clock.at(clock.now() + DAY):
        refresh_badges()
    assert path.read_bytes() != before[0]


@pytest.mark.slow
def test_changing_the_key_makes_no_badge_false_for_a_moment(installation):
    """Whoever keeps the list of keys for an hour, and a badge for a week, can check it always."""
    sealed()
    start = clock.now()
    CliRunner().invoke(cli.main, ["keys", "rotate", "badge"], catch_exceptions=False)
    lists, signed, wrong = {}, {}, []
    for hour in range(24 * 12):
        now = start + hour * HOUR
        lists[hour] = key_set.read(signing.public_key_set(now))
        signed[hour] = signing.sign("velo-fils", "shop.example.com", 4.5, 2, now)
        cached = lists[max(0, hour - 1)]
        for made in range(max(0, hour - 7 * 24), hour + 1, 6):
            try:
                assert not statement.is_expired(statement.decode(signed[made], cached), now)
            except ValueError:
                wrong.append((made, hour))

    assert wrong == []
    assert names(start) == ["1", "2"]
    assert signing.signing_key(start + HOUR).version == 1
    assert signing.signing_key(start + 3 * HOUR).version == 2
    assert names(start + 8 * DAY) == ["1", "2"]
    assert names(start + 10 * DAY) == ["2"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_keys_written_by_hand_have_no_age_and_stay(installation):
    path = installation.data / "keys" / "badge"
    number, secret, _ = path.read_text().split()
    path.write_text(f"{number} {secret}\n2 {secret}\n")

    assert names(clock.now()) == ["1", "2"]
    assert signing.signing_key(clock.now()).version == 2
    assert len(keyring.keys("badge")) == 2
