"""Send a group of messages side by side: over one connection each, or one message after another."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

from trustsvc.mail.message import MailTransport, Message, SendResult

# Called once with the places of the messages of which all but the end of DATA has been sent; gives
# the places of those that may leave.
BeforeEndOfData = Callable[[Sequence[int]], Collection[int]]


@runtime_checkable
class GroupTransport(Protocol):
    @property
    def size(self) -> int:
        """How many messages make a group; fewer once the mail server takes no more connections."""
        ...

    def send_group(
        self, messages: Sequence[Message], before_end_of_data: BeforeEndOfData
    ) -> list[SendResult | None]:
        """Send each message over a connection of its own; gives its result, None if held back.

        What `before_end_of_data` raises is passed on, and none of the group leaves. Never raises
        for what a mail server or a network does.
        """
        ...


class _HeldBack(Exception):
    """The message must not leave any more."""


class OneByOne:
    """Groups of one, for a transport that has no connections, such as a maildir."""

    size = 1

    def __init__(self, transport: MailTransport) -> None:
        self._transport = transport

    def send_group(
        self, messages: Sequence[Message], before_end_of_data: BeforeEndOfData
    ) -> list[SendResult | None]:
        return [self._send(one, at, before_end_of_data) for at, one in enumerate(messages)]

    def _send(
        self, message: Message, at: int, before_end_of_data: BeforeEndOfData
    ) -> SendResult | None:
        def before() -> None:
            if at not in before_end_of_data([at]):
                raise _HeldBack

        try:
            return self._transport.send(message, before)
        except _HeldBack:
            return None


def grouped(transport: "MailTransport | GroupTransport") -> GroupTransport:
    """Give a transport that sends groups; of one where it can send only one after another."""
    return transport if isinstance(transport, GroupTransport) else OneByOne(transport)
