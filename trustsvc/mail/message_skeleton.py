"""A message rendered once, with slots for what differs from person to person.

To render the templates takes longer than all else that it takes to write a message, and messages of
one shop, language and kind differ in a name and some links.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import escape

# Nobody can write a slot into a name: the mark is drawn by each process.
_MARK = secrets.token_hex(8)
_SLOT = re.compile(f"slot{_MARK}([a-z]+)end")

Pieces = tuple[str, ...]  # text, the name of a slot, text, …


def slot(name: str) -> str:
    """Give what to render in place of a value; its name is one word in lower case."""
    return f"slot{_MARK}{name}end"


@dataclass(frozen=True, slots=True)
class MessageSkeleton:
    subject: Pieces
    text: Pieces
    html: Pieces

    def filled(self, values: Mapping[str, str]) -> tuple[str, str, str]:
        """Give subject, text and html as the templates render them with these values.

        They are escaped in the html. Raises KeyError for a slot without a value.
        """
        escaped = {name: str(escape(value)) for name, value in values.items()}
        return _fill(self.subject, values), _fill(self.text, values), _fill(self.html, escaped)


def skeleton(subject: str, text: str, html: str) -> MessageSkeleton:
    """Cut what was rendered with slots."""
    return MessageSkeleton(_cut(subject), _cut(text), _cut(html))


def _cut(rendered: str) -> Pieces:
    return tuple(_SLOT.split(rendered))


def _fill(pieces: Pieces, values: Mapping[str, str]) -> str:
    filled = list(pieces)
    filled[1::2] = [values[name] for name in pieces[1::2]]
    return "".join(filled)
