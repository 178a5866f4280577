import json

import pytest
from click.testing import CliRunner

from tests.reviews.sample_reviews import review, shop
from trustsvc import cli
from trustsvc.reviews import lookup
from trustsvc.reviews.policy import REASONS
from trustsvc.storage import db


def _run(*words, **more):
    return CliRunner().invoke(cli.main, ["reviews", *words], **more)


def test_list_tells_programs_id_state_and_stars_and_nothing_of_the_author(installation):
    mine = shop("Mine")
    first = review(mine, stars=2)
    other = review(shop("Other"))

    rows = json.loads(_run("list", "--json").stdout)

    assert [(row["id"], row["state"], row["stars"]) for row in rows] == [
        (first, "pending", 2),
        (other, "pending", 4),
    ]
    assert not {"name", "city", "email", "text", "reference"} & set(rows[0])
    only = json.loads(_run("list", "--json", "--shop", mine.slug, "--state", "pending").stdout)
    assert [row["id"] for row in only] == [first]
    assert json.loads(_run("list", "--json", "--state", "rejected").stdout) == []
    assert first in _run("list").stdout


def test_approve_returns_when_the_line_is_published_and_the_badge_counts_it(installation, client):
    where = shop()
    waiting = review(where, stars=5)

    assert _run("approve", waiting).exit_code == 0

    assert json.loads(_run("list", "--json").stdout)[0]["state"] == "published"
    badge = (installation.data / "public" / "badge" / "v1" / f"{where.slug}.json").read_text()
    assert "1 review" in badge


def test_reject_wants_a_reason_of_the_list(installation):
    waiting = review(shop())

    assert _run("reject", waiting).exit_code == 2
    assert _run("reject", waiting, "--reason", "two_stars").exit_code == 2
    assert _run("reject", waiting, "--reason", REASONS[0]).exit_code == 0

    with db.reading() as session:
        assert lookup.find_review(session, waiting).reason == REASONS[0]


def test_deciding_twice_says_so(installation):
    waiting = review(shop())
    _run("reject", waiting, "--reason", "spam")

    again = _run("approve", waiting)

    assert again.exit_code == 1
    assert "is not pending" in again.output
    assert json.loads(_run("list", "--json").stdout)[0]["state"] == "rejected"


@pytest.mark.parametrize(
    "words",
    [("approve", "nobody"), ("reject", "0" * 16, "--reason", "spam"), ("list", "--shop", "x")],
)
def test_what_is_not_there_ends_with_a_sentence(installation, words):
    done = _run(*words)

    assert done.exit_code == 1
    assert "Traceback" not in done.output


def test_a_reply_is_read_from_standard_input_and_on_the_page_when_it_returns(installation, client):
    where = shop()
    public_id = review(where)
    _run("approve", public_id)

    done = _run("reply", public_id, input="Dank u wel!\nTot gauw.\n")

    assert (done.exit_code, done.stdout) == (0, "replied\n")
    assert "Dank u wel!\nTot gauw.</p>" in client.get(f"/s/{where.slug}").text
    again = _run("reply", public_id, input="Dank u wel!\nTot gauw.")
    assert (again.exit_code, "Nothing changed" in again.output) == (1, True)
    assert _run("reply", public_id, "--remove").stdout == "removed\n"
    assert "Dank u wel!" not in client.get(f"/s/{where.slug}").text
    assert "has no reply" in _run("reply", public_id, "--remove").output


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("", "Write a reply"), ("x" * 2001, "at most 2000"), ("Order 1001!", "leave out")],
)
def test_a_reply_that_cannot_stand_is_refused_with_what_to_do(installation, text, remedy):
    public_id = review(shop())
    _run("approve", public_id)

    refused = _run("reply", public_id, input=text)

    assert refused.exit_code != 0
    assert remedy in refused.output
    assert "1001" not in refused.output
    assert "Traceback" not in refused.output
