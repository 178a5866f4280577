"""SpamAssassin (Debian's package), without its network tests, has nothing to say against us."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mail import sample_emails
from tests.waiting import PATIENCE_S
from trustsvc import config, i18n
from trustsvc.crypto import keyring

HIDDEN = "hidden"
MOST = 0.5  # points; a message of 5.0 is spam
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

IS_MISSING = shutil.which("spamassassin", path=PATH) is None
WHY = "SpamAssassin is not installed (Debian: apt-get install spamassassin)"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(IS_MISSING, reason=WHY)]


def judged(home: Path, messages: dict[str, bytes]) -> dict[str, tuple[float, list[str]]]:
    """Give the points of each message and the rules that matched, in one run for all.

    It answers in an order of its own, so each message carries its name.
    """
    mbox = b"".join(
        b"From reviews Wed Jun 10 10:00:00 2026\n"
        + f"X-Sample: {name}\n".encode()
        + re.sub(rb"(?m)^(>*From )", rb">\1", message.replace(b"\r\n", b"\n"))
        + b"\n"
        for name, message in messages.items()
    )
    answer = subprocess.run(
        ["spamassassin", "--local", "--test-mode", "--mbox", "-p", home / "no-preferences"],
        input=mbox,
        env={"HOME": str(home), "PATH": PATH, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    found = {}
    for one in answer.stdout.decode("utf-8", "replace").split("\nX-Sample: ")[1:]:
        points = re.search(r"Content analysis details: +\((-?[\d.]+) points", one)
        rules = re.findall(r"^ *(-?\d+\.\d +[A-Z][A-Z0-9_]+) ", one, re.MULTILINE)
        found[one.partition("\n")[0]] = (float(points[1]), rules)
    assert found.keys() == messages.keys()
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spamassassin")
    config.use(config.load({"TRUSTSVC_DATA": str(folder)} | sample_emails.SETTINGS))
    keyring.make_all()
    yield folder
    config.use(None)


@pytest.fixture(scope="module")
def verdicts(home):
    """Judge in one run, of some seconds of CPU, every email and one with a text nobody sees."""
    emails = sample_emails.every_email()
    one = sample_emails.invitation("en")
    html = one.html.replace("background-color:#1f5fbf", "background-color:#ffffff")
    assert html != one.html
    return judged(
        home,
        {name: sample_emails.to_bytes(email) for name, email in emails.items()}
        | {HIDDEN: sample_emails.to_bytes(replace(one, html=html))},
    )


def test_no_email_of_ours_looks_like_spam_in_any_language(verdicts):
    ours = {name: found for name, found in verdicts.items() if name != HIDDEN}
    expected = {f"{kind} customers" for kind in ("invitation", "reminder")}
    assert {f"{kind} {language}" for kind in expected for language in i18n.LANGUAGES} <= set(ours)

    assert {name: found for name, found in ours.items() if found[0] > MOST} == {}


def test_it_says_so_where_something_is_wrong(verdicts):
    points, rules = verdicts[HIDDEN]

    assert points > MOST, rules
