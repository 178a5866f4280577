"""The manifest of a backup: no key, no address, nothing about a person."""

import secrets
from pathlib import Path

import msgspec
from cryptography.fernet import InvalidToken
from sqlalchemy import make_url

from trustsvc import config
from trustsvc.crypto import encrypted_column, keyring, pseudonyms
from trustsvc.errors import Refused
from trustsvc.storage.key_checks import of_folder

FORMAT = 1
CANARY = "trustsvc backup"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`keys`: a check value for each version of each kind; `canary`: an encrypted text.

    `mac` authenticates all other fields and the database with a key of this installation. So a
    forged backup is refused: a database file may do more than hold rows.
    """

    format: int
    trustsvc: str
    database: str
    migration: str
    at: str
    size: int
    keys: dict[str, dict[str, str]]
    canary: str
    suppressions_id: str
    suppressions_lines: int
    suppressions_damaged: int = 0
    mac: str = ""


def database_kind() -> str:
    return make_url(config.current().database_url).get_backend_name()


def sqlite_path() -> Path:
    return Path(make_url(config.current().database_url).database or "")


def key_checks() -> dict[str, dict[str, str]]:
    """Give a check value for each key: it recognises the key and reveals nothing of it."""
    return {
        kind: {str(version): value for version, value in values.items()}
        for kind, values in of_folder().items()
    }


def authenticated(manifest: Manifest, content: bytes) -> Manifest:
    """Add the MAC; `content` is the SHA-256 of the database."""
    return msgspec.structs.replace(manifest, mac=_mac(manifest, content))


def check_keys(manifest: Manifest, content: bytes) -> None:
    """Check that the keys of the backup are here and that it was made with them.

    Raises Refused with a sentence that names a missing key; creates no key.
    """
    here = key_checks()
    for kind, checks in manifest.keys.items():
        for version, value in checks.items():
            if here.get(kind, {}).get(version) != value:
                raise Refused(
                    f"The key `{kind}` version {version} of this backup is not in the folder keys: "
                    "put the copy of the folder keys from then into TRUSTSVC_DATA first."
                )
    try:
        opened = encrypted_column.decrypt(manifest.canary.encode())
    except InvalidToken:
        opened = ""
    if opened != CANARY:
        raise Refused("The keys here do not open what is in this backup.")
    if not secrets.compare_digest(manifest.mac, _mac(manifest, content)):
        raise Refused("This backup was not made with these keys, or it was changed.")


def _mac(manifest: Manifest, content: bytes) -> str:
    plain = msgspec.json.encode(msgspec.structs.replace(manifest, mac=""))
    # The oldest key is never removed: the pseudonyms of orders are made with it.
    return pseudonyms.hmac_sha256(
        keyring.keys("lookup")[0].secret, f"backup:{content.hex()}:{plain.decode()}"
    ).hex()
