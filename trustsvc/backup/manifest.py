"""What a backup says about itself; no key, no address, nothing of a person."""

import secrets
from pathlib import Path

import msgspec
from cryptography.fernet import InvalidToken
from sqlalchemy import make_url

from trustsvc import config
from trustsvc.crypto import encrypted_column, keyring, pseudonyms
from trustsvc.errors import Refused

FORMAT = 1
CANARY = "trustsvc backup"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`keys`: a check value for each version of each kind; `canary`: something sealed.

    `mark` is made of all the rest and of the database with a key of the house: whoever can write
    where backups lie cannot make one that is taken, and a database that is put in place may do more
    than hold rows.
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
    mark: str = ""


def database_kind() -> str:
    return make_url(config.current().database_url).get_backend_name()


def sqlite_path() -> Path:
    return Path(make_url(config.current().database_url).database or "")


def key_checks() -> dict[str, dict[str, str]]:
    """Give a check value a key, by which the key is recognised and nothing is learned of it."""
    return {
        kind: {str(key.version): _check(kind, key) for key in keyring.existing_keys(kind)}
        for kind in keyring.KINDS
    }


def authenticated(manifest: Manifest, content: bytes) -> Manifest:
    """Mark a manifest with its house's key; `content` is the SHA-256 of the database."""
    return msgspec.structs.replace(manifest, mark=_mark(manifest, content))


def check_keys(manifest: Manifest, content: bytes) -> None:
    """See that each key the backup was made with is here, and that it was made with them.

    Raises Refused with a sentence that names the missing one; makes no key.
    """
    here = key_checks()
    for kind, checks in manifest.keys.items():
        for version, check in checks.items():
            if here.get(kind, {}).get(version) != check:
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
    if not secrets.compare_digest(manifest.mark, _mark(manifest, content)):
        raise Refused("This backup was not made by the house whose keys these are, or was changed.")


def _mark(manifest: Manifest, content: bytes) -> str:
    plain = msgspec.json.encode(msgspec.structs.replace(manifest, mark=""))
    # The oldest key, which is never taken away: all marks of orders are made with it.
    return pseudonyms.hmac_sha256(
        keyring.keys("lookup")[0].secret, f"backup:{content.hex()}:{plain.decode()}"
    ).hex()


def _check(kind: str, key: keyring.Key) -> str:
    return pseudonyms.hmac_sha256(key.secret, f"trustsvc backup check of {kind}")[:8].hex()
