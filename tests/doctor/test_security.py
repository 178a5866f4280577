import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.staff.signed_in_staff import sign_in
from trustsvc import clock
from trustsvc.server_log import attack_patterns, security_counters

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(client):
    security_counters.reset()
    sign_in(client)
    return client


def seen(number, what="bad_signature", address="203.0.113.7"):
    for _ in range(number):
        security_counters.count(AT, what, "signature", address)
    security_counters.write()


def rows(page):
    return re.findall(r"<tr><th scope=\"row\">.*?</tr>", page)


def test_the_desk_shows_what_looked_like_an_attack(desk):
    seen(3)

    (row,) = rows(desk.get("/desk/security").text)

    assert "2026-11-20 10:30" in row
    assert "an order with a wrong signature" in row
    assert "203.0.113.7" in row
    assert "<td>3</td>" in row


def test_filters_are_asked_for_by_get_and_nonsense_is_left_out(desk):
    seen(1)
    seen(1, what="replayed_id")

    def shown(query):
        return len(rows(desk.get(f"/desk/security{query}").text))

    assert shown("") == 2
    assert shown("?kind=replayed_id") == 1
    assert shown("?since=2026-11-20") == 2
    assert shown("?since=2026-11-21") == 0
    assert shown("?kind=nonsense&since=2026-99-99&before=x") == 2
    assert shown("?before=99999999999999999999999&since=%00") == 2
    assert shown("?before=²") == 2
    assert shown("?kind='%20OR%201=1") == 2


def test_pages_follow_by_key_and_keep_their_filters(desk, monkeypatch):
    monkeypatch.setattr("trustsvc.doctor.desk.MAX_ENTRIES", 2)
    for number in range(5):
        seen(1, address=f"203.0.113.{number}")

    found, path = [], "/desk/security?kind=bad_signature&since=2026-11-01"
    while path:
        page = desk.get(path).text
        found.append([re.search(r"203\.0\.113\.(\d)", row)[1] for row in rows(page)])
        link = re.search(r'href="([^"]+)" rel="next"', page)
        path = link and link[1].replace("&amp;", "&")

    assert found == [["4", "3"], ["2", "1"], ["0"]]


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_every_kind_has_its_words_in_every_language(desk, language):
    for kind in attack_patterns.KINDS:
        seen(attack_patterns.threshold(kind) if kind != "flood" else 0, what=kind)
    seen(1, address="*")

    answer = desk.get("/desk/security", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
    assert len(rows(answer.text)) == len(attack_patterns.KINDS)
    assert not re.search(r"desk\.(suspicion|access|security)", answer.text)


def test_only_staff_see_it(client):
    assert client.get("/desk/security").location == "/desk/enter"


@pytest.mark.parametrize(("hours", "alarmed"), [(0, False), (1, True), (24, True)])
def test_the_desk_says_when_a_purge_of_the_server_log_was_missed(
    desk, installation, hours, alarmed
):
    folder = installation.data / "log"
    folder.mkdir(exist_ok=True)
    due = clock.now() - timedelta(days=89, hours=23 + hours)
    path = folder / f"{due:access-%Y-%m-%dT%H.log}"
    path.touch()
    os.utime(path, (due.timestamp(),) * 2)
    if not hours:
        path.rename(folder / f"{due + timedelta(hours=1):access-%Y-%m-%dT%H.log}")

    assert ("a purge was missed" in desk.get("/desk/evidence").text) is alarmed
