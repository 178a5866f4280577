"""The reach of a key: which stored values its holder could read, match or open.

That of a link opens nothing: ids of links are stored encrypted by the vault key, or hashed.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column

from trustsvc.crypto import keyring, pseudonyms
from trustsvc.crypto.encrypted_column import EncryptedType
from trustsvc.errors import Refused
from trustsvc.privacy.breach import ColumnTest, any_value
from trustsvc.privacy.documents import data_inventory

PSEUDONYM_LENGTH = 18
# In these tables shop 0 means all shops, by the registry key. Elsewhere it means mail in the
# service's own name, by the lookup key.
REGISTRY = frozenset({"registered_buyers", "opt_outs", "restrictions", "suppression_entries"})


def reach(kind: str, number: int) -> tuple[Sequence[Column[Any]], ColumnTest]:
    """Give the columns a key reaches into, and the test for one stored value.

    Raises Refused for a version that is not in the keyring.
    """
    if number not in {one.version for one in keyring.existing_keys(kind)}:
        raise Refused("There is no such version of this key here: see trustsvc keys list.")
    personal = data_inventory.personal()
    if kind == "vault":
        return [column for column in personal if data_inventory.is_encrypted(column)], _opens(
            number
        )
    if kind in {"registry", "lookup"}:
        columns = [column for column in personal if column.info["category"] == "pseudonym"]
        return columns, _made_with(kind, number)
    if kind == "desk":
        return [column for column in personal if str(column).startswith("staff")], any_value
    return [], any_value


def _opens(number: int) -> ColumnTest:
    def test(column: Column[Any], _shop: int, stored: object) -> bool:
        kind = column.type
        return isinstance(kind, EncryptedType) and kind.key_version_of(stored) == number

    return test


def key_of(table: str, shop: int, value: bytes) -> list[tuple[str, int]]:
    """Give (kind, version) of the key a pseudonym was made with; empty if it is no pseudonym.

    The pseudonym holds the version; table and shop tell the kind.
    """
    if len(value) != PSEUDONYM_LENGTH or value[0] != pseudonyms.RULE:
        return []
    return [("registry" if table in REGISTRY and shop == 0 else "lookup", value[1])]


def _made_with(kind: str, number: int) -> ColumnTest:
    def test(column: Column[Any], shop: int, stored: object) -> bool:
        if (
            str(column) == "domain_throttles.domain_hash"
        ):  # a hash without a version, kept for an hour
            return kind == "lookup"
        return (kind, number) in key_of(column.table.name, shop, _bytes(stored))

    return test


def _bytes(stored: object) -> bytes:
    return bytes(stored) if isinstance(stored, bytes | memoryview) else b""
