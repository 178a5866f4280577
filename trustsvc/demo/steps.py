"""What a buyer does in the demo: reads e-mails in the maildir, and writes a review."""

import email
import email.policy
import re
from dataclasses import dataclass
from pathlib import Path

import requests

TIMEOUT_S = 10
REVIEW = {
    "stars": "5",
    "title": "Snel en zorgvuldig",
    "text": "Netjes verpakt, binnen twee dagen in huis, en een kaartje met de hand geschreven.",
    "name": "Femke",
    "city": "Utrecht",
    "consent": "1",
}


@dataclass(frozen=True, slots=True)
class ReceivedEmail:
    """An e-mail as its reader sees it."""

    to: str
    subject: str
    text: str

    def link(self, path: str) -> str:
        """Find the link that stands alone on its line."""
        match = re.search(rf"^(https?://\S+/{path}/[^\s?]+)$", self.text, re.MULTILINE)
        return match[1] if match else ""


def emails(folder: Path) -> dict[str, ReceivedEmail]:
    """Read the maildir: file name to e-mail."""
    return {path.name: _read(path) for path in sorted(folder.glob("new/*"))}


def write_review(link: str) -> None:
    """Open the form and send it, as a browser without JavaScript does; raises on any error page."""
    requests.get(link, timeout=TIMEOUT_S).raise_for_status()
    requests.post(link, data=REVIEW, timeout=TIMEOUT_S).raise_for_status()


def page(url: str) -> str:
    answer = requests.get(url, timeout=TIMEOUT_S)
    answer.raise_for_status()
    return answer.text


def _read(path: Path) -> ReceivedEmail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(preferencelist=("plain",))
    text = body.get_content() if body else ""
    return ReceivedEmail(str(message["To"]), str(message["Subject"]), text)
