"""Ids that open something are no longer stored in clear: encrypted or hashed.

Encrypted where they are made again, else hashed. Links that were sent and addresses that shops have
stay good.

How both are made is written here again, so that what is stored after this migration never changes
with the code.
"""

import base64
from collections.abc import Callable
from functools import lru_cache

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BATCH_SIZE = 1000
INFO = b"trustsvc encrypted id"


def upgrade() -> None:
    _check_keys()
    _rewrite("invitations", "id", "link", _encrypted)
    _rewrite("registered_buyers", "pseudonym", "link", _encrypted)
    _rewrite("shops", "id", "endpoint_id", _encrypted_text, sa.Text())
    op.execute("ALTER TABLE my_data_links RENAME COLUMN link TO link_hash")
    _rewrite("my_data_links", "link_hash", "link_hash", _hash)
    _rename_in_pending_registrations("link", "link_hash")
    _rewrite("pending_registrations", "id", "link_hash", _hash)
    op.execute("ALTER TABLE mail_endpoints RENAME COLUMN endpoint_id TO endpoint_hash")
    op.add_column(
        "mail_endpoints", sa.Column("beginning", sa.Text(), server_default="", nullable=False)
    )
    op.execute("UPDATE mail_endpoints SET beginning = substr(endpoint_hash, 1, 6)")
    _rewrite("mail_endpoints", "endpoint_hash", "endpoint_hash", _hash_of_text, sa.Text())


def downgrade() -> None:
    """Give back what can be: hashed ids are gone, and with them their links and endpoints."""
    op.execute("DELETE FROM mail_endpoints")
    op.drop_column("mail_endpoints", "beginning")
    op.execute("ALTER TABLE mail_endpoints RENAME COLUMN endpoint_hash TO endpoint_id")
    op.execute("DELETE FROM pending_registrations")
    _rename_in_pending_registrations("link_hash", "link")
    op.execute("DELETE FROM my_data_links")
    op.execute("ALTER TABLE my_data_links RENAME COLUMN link_hash TO link")
    _rewrite("shops", "id", "endpoint_id", _decrypted_text, sa.Text())
    _rewrite("registered_buyers", "pseudonym", "link", _decrypted)
    _rewrite("invitations", "id", "link", _decrypted)


def _check_keys() -> None:
    """Refuse the keys of another database: an id that they encrypt is lost to the right ones."""
    shops = sa.table("shops", sa.column("secret", sa.LargeBinary()))
    secrets = op.get_bind().scalars(sa.select(shops.c.secret)).all()
    if not secrets:
        return
    keys = [base64.urlsafe_b64encode(key.secret) for key in keyring.keys("vault")]
    vault = MultiFernet([Fernet(key) for key in keys])
    for secret in secrets:
        try:
            vault.decrypt(bytes(secret))
        except InvalidToken:
            raise Misconfigured(
                "The folder keys is not the one of this database: put its keys back, then run "
                "trustsvc migrate again. Nothing was changed."
            ) from None


def _rename_in_pending_registrations(old: str, new: str) -> None:
    # SQLite cannot rename a constraint: the table is copied there.
    with op.batch_alter_table("pending_registrations") as batch:
        batch.drop_constraint(f"uq_pending_registrations_{old}", type_="unique")
        batch.alter_column(old, new_column_name=new)
    with op.batch_alter_table("pending_registrations") as batch:
        batch.create_unique_constraint(f"uq_pending_registrations_{new}", [new])


def _rewrite(
    table: str,
    key_name: str,
    name: str,
    change: Callable[..., object],
    kind: sa.types.TypeEngine[object] | None = None,
) -> None:
    """Change every value of a column, in batches by the table's key.

    A key that changes itself is read at once: those tables hold what is three days old at most.
    """
    kind = kind or sa.LargeBinary()
    rows = sa.table(table, *(sa.column(one) for one in dict.fromkeys((key_name, name))))
    key, column = rows.c[key_name], rows.c[name]
    statement = (
        sa.update(rows)
        .where(key == sa.bindparam("row_key"))
        .values({name: sa.bindparam("changed", type_=kind)})
    )
    query = sa.select(key, column).where(column.is_not(None)).order_by(key)
    query = query if key_name == name else query.limit(BATCH_SIZE)
    last = None
    while True:
        batch = query if last is None else query.where(key > last)
        todo = op.get_bind().execute(batch).all()
        if todo:
            changed = [{"row_key": row[0], "changed": change(row[1])} for row in todo]
            op.get_bind().execute(statement, changed)
        if len(todo) < BATCH_SIZE or key_name == name:
            return
        last = todo[-1][0]


@lru_cache
def _cipher(key: keyring.Key) -> AESSIV:
    return AESSIV(HKDF(hashes.SHA256(), 64, salt=None, info=INFO).derive(key.secret))


def _encrypted(value: bytes) -> bytes:
    key = keyring.newest_key("vault")
    return bytes((key.version,)) + _cipher(key).encrypt(bytes(value), None)


def _decrypted(value: bytes) -> bytes:
    stored = bytes(value)
    (key,) = (one for one in keyring.keys("vault") if one.version == stored[0])
    return _cipher(key).decrypt(stored[1:], None)


def _encrypted_text(value: str) -> str:
    return base64.urlsafe_b64encode(_encrypted(value.encode())).decode()


def _decrypted_text(value: str) -> str:
    return _decrypted(base64.urlsafe_b64decode(value)).decode()


def _hash(value: bytes) -> bytes:
    mac = HMAC(keyring.newest_key("link").secret, hashes.SHA256())
    mac.update(f"id:{bytes(value).hex()}".encode())
    return mac.finalize()


def _hash_of_text(value: str) -> str:
    return _hash(value.encode()).hex()
