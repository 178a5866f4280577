"""What people do in the demo: a shop posts an order, a buyer opens a letter and writes a review."""

import email
import email.policy
import re
from dataclasses import dataclass
from pathlib import Path

import requests

from trustsvc.demo import sample_shops, signing
from trustsvc.shops.directory import Shop

PATIENCE_S = 10
REVIEW = {
    "stars": "5",
    "title": "Snel en zorgvuldig",
    "text": "Netjes verpakt, binnen twee dagen in huis, en een kaartje met de hand geschreven.",
    "name": "Femke",
    "city": "Utrecht",
    "consent": "1",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter as its reader sees it."""

    to: str
    subject: str
    text: str

    def link(self, path: str) -> str:
        """Find the link that stands alone on its line."""
        found = re.search(rf"^(https?://\S+/{path}/[^\s?]+)$", self.text, re.MULTILINE)
        return found[1] if found else ""


def post_order(base_url: str, role: sample_shops.Role, shop: Shop, secret: str, body: bytes) -> str:
    """Knock at a shop's door with a signed order; gives the status and what was said."""
    answer = requests.post(
        f"{base_url}/webhooks/{shop.platform}/{shop.door}",
        data=body,
        headers=signing.signed_headers(role.platform, secret, body, role.topic),
        timeout=PATIENCE_S,
    )
    said = answer.json()
    return f"{answer.status_code} {said['status' if answer.ok else 'title']}"


def letters(folder: Path) -> dict[str, Mail]:
    """Read the maildir: file name to letter."""
    return {path.name: _mail(path) for path in sorted(folder.glob("new/*"))}


def write_review(link: str) -> None:
    """Open the form and send it, as a browser without JavaScript does; raises on any error page."""
    requests.get(link, timeout=PATIENCE_S).raise_for_status()
    requests.post(link, data=REVIEW, timeout=PATIENCE_S).raise_for_status()


def page(url: str) -> str:
    answer = requests.get(url, timeout=PATIENCE_S)
    answer.raise_for_status()
    return answer.text


def _mail(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(preferencelist=("plain",))
    text = body.get_content() if body else ""
    return Mail(str(message["To"]), str(message["Subject"]), text)
