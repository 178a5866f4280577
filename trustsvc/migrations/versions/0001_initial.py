"""The initial schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNSAMPLED = ("name", "city", "title", "text")


def upgrade() -> None:
    op.create_table(
        "circuit_breakers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("usual", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("probe", sa.LargeBinary(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("granted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_circuit_breakers")),
    )
    op.create_table(
        "clock_states",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trusted_at", sa.BigInteger(), nullable=False),
        sa.Column("trusted_boot", sa.Text(), nullable=False),
        sa.Column("trusted_uptime", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("last_boot", sa.Text(), nullable=False),
        sa.Column("last_uptime", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("consistent", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_clock_states")),
    )
    op.create_table(
        "consent_texts",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "language", name=op.f("pk_consent_texts")),
    )
    op.create_table(
        "disclosure_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_log")),
    )
    op.create_index(op.f("ix_disclosure_log_at"), "disclosure_log", ["at"], unique=False)
    op.create_table(
        "domain_throttles",
        sa.Column("domain_hash", sa.LargeBinary(), nullable=False),
        sa.Column("next_slot_at", sa.BigInteger(), nullable=False),
        sa.Column("reserved_until", sa.BigInteger(), nullable=False),
        sa.Column("deferrals", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("forget_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("domain_hash", name=op.f("pk_domain_throttles")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_domain_throttles_forget_at"), "domain_throttles", ["forget_at"], unique=False
    )
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "mail_endpoints",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_mail_endpoints")),
    )
    op.create_table(
        "messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("waited_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'leased', 'handed', 'sent', 'refused', 'dropped', 'unknown')",
            name=op.f("ck_messages_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("subject_id", "kind", name=op.f("uq_messages_subject_id_kind")),
        sa.UniqueConstraint("token", name=op.f("uq_messages_token")),
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["priority", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_messages_leased",
        "messages",
        ["leased_until"],
        unique=False,
        sqlite_where=sa.text("state IN ('leased', 'handed')"),
        postgresql_where=sa.text("state IN ('leased', 'handed')"),
    )
    op.create_index("ix_messages_sent_at", "messages", ["sent_at"], unique=False)
    op.create_index(
        "ix_messages_unknown",
        "messages",
        ["sent_at"],
        unique=False,
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )
    op.create_table(
        "my_data_links",
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("copy", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link", name=op.f("pk_my_data_links")),
    )
    op.create_index(op.f("ix_my_data_links_at"), "my_data_links", ["at"], unique=False)
    op.create_index(
        op.f("ix_my_data_links_pseudonym"), "my_data_links", ["pseudonym"], unique=False
    )
    op.create_table(
        "opt_outs",
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", "shop_id", name=op.f("pk_opt_outs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pending_registrations",
        sa.Column("id", ID, nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("address_pseudonym", sa.LargeBinary(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("consent_version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_registrations")),
        sa.UniqueConstraint("link", name=op.f("uq_pending_registrations_link")),
    )
    op.create_index(
        "ix_pending_registrations_address_pseudonym",
        "pending_registrations",
        ["address_pseudonym"],
        unique=False,
    )
    op.create_index(
        op.f("ix_pending_registrations_requested_at"),
        "pending_registrations",
        ["requested_at"],
        unique=False,
    )
    op.create_table(
        "privacy_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("orders", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('my_data', 'object', 'access', 'erase', 'emptied', 'erase_shop')",
            name=op.f("ck_privacy_requests_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
    )
    op.create_index(
        op.f("ix_privacy_requests_due_at"), "privacy_requests", ["due_at"], unique=False
    )
    op.create_index(
        op.f("ix_privacy_requests_requested_at"), "privacy_requests", ["requested_at"], unique=False
    )
    op.create_table(
        "receipts",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("previous", name=op.f("uq_receipts_previous")),
    )
    op.create_table(
        "registered_buyers",
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("consent_version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_registered_buyers")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_registered_buyers_link", "registered_buyers", ["link"], unique=True)
    op.create_table(
        "request_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'refused')", name=op.f("ck_request_log_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_log")),
    )
    op.create_index(
        "ix_request_log_open",
        "request_log",
        ["asked_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_request_log_settled_at", "request_log", ["settled_at"], unique=False)
    op.create_table(
        "restrictions",
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", "shop_id", name=op.f("pk_restrictions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "security_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_entries")),
        sa.UniqueConstraint("entry_hash", name=op.f("uq_security_entries_entry_hash")),
    )
    op.create_index(
        op.f("ix_security_entries_minute"), "security_entries", ["minute"], unique=False
    )
    op.create_table(
        "send_suspensions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_send_suspensions")),
    )
    op.create_table(
        "shops",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", sa.BigInteger(), nullable=True),
        sa.Column("may_ask", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("wording_at", sa.BigInteger(), nullable=False),
        sa.Column("delay", sa.Integer(), nullable=False),
        sa.Column("delay_unit", sa.Text(), nullable=False),
        sa.Column("moment", sa.Text(), nullable=False),
        sa.Column("reminder_days", sa.Integer(), nullable=False),
        sa.Column("cap_days", sa.Integer(), nullable=False),
        sa.Column("max_age_days", sa.Integer(), nullable=False),
        sa.Column("skip", sa.Text(), nullable=False),
        sa.Column("fallback", sa.Text(), nullable=False),
        sa.Column("fallback_days", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=True),
        sa.Column("domain_checked_at", sa.BigInteger(), nullable=True),
        sa.Column("missed_checks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "delay_unit IN ('minutes', 'hours', 'days', 'weekdays')",
            name=op.f("ck_shops_delay_unit"),
        ),
        sa.CheckConstraint("fallback IN ('ask', 'skip')", name=op.f("ck_shops_fallback")),
        sa.CheckConstraint(
            "may_ask IN ('registered', 'consent', 'customers')", name=op.f("ck_shops_may_ask")
        ),
        sa.CheckConstraint(
            "moment IN ('delivered', 'shipped', 'paid', 'created')", name=op.f("ck_shops_moment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("endpoint_id", name=op.f("uq_shops_endpoint_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_shops_slug")),
    )
    op.create_table(
        "staff",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )
    op.create_table(
        "transactional_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=True),
        sa.Column("recipient_pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactional_messages")),
    )
    op.create_index(
        "ix_transactional_messages_created_at",
        "transactional_messages",
        ["created_at"],
        unique=False,
    )
    op.create_index(
        "ix_transactional_messages_recipient",
        "transactional_messages",
        ["recipient_pseudonym", "template", "created_at"],
        unique=False,
    )
    op.create_table(
        "webhook_counts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "day", "answer", name=op.f("pk_webhook_counts")),
    )
    op.create_index(op.f("ix_webhook_counts_day"), "webhook_counts", ["day"], unique=False)
    op.create_table(
        "webhook_health",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("order_at", sa.BigInteger(), nullable=True),
        sa.Column("error_at", sa.BigInteger(), nullable=True),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("read_before_alarm_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_webhook_health")),
    )
    op.create_table(
        "api_connections",
        sa.Column("shop_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("api_key", sa.LargeBinary(), nullable=False),
        sa.Column("api_secret", sa.LargeBinary(), nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_until", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("webhook_status", sa.Text(), nullable=False),
        sa.Column("webhooks_enabled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "problem IN ('unauthorised', 'not_found', 'rate_limited', 'unavailable', 'unreachable', 'redirected', 'unreadable', 'too_large')",
            name=op.f("ck_api_connections_problem"),
        ),
        sa.CheckConstraint(
            "webhook_status IN ('unknown', 'active', 'enabled', 'disabled', 'paused', 'missing', 'hidden')",
            name=op.f("ck_api_connections_webhook_status"),
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_api_connections_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_api_connections")),
    )
    op.create_index(op.f("ix_api_connections_due_at"), "api_connections", ["due_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_deliveries_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", "delivery_hash", name=op.f("pk_deliveries")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_deliveries_at"), "deliveries", ["at"], unique=False)
    op.create_table(
        "mail_reports",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('delivered', 'delayed', 'soft', 'hard', 'complaint')",
            name=op.f("ck_mail_reports_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_mail_reports_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", "kind", name=op.f("pk_mail_reports")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_mail_reports_at"), "mail_reports", ["at"], unique=False)
    op.create_table(
        "notice_versions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_notice_versions_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", "version", "language", name=op.f("pk_notice_versions")),
    )
    op.create_table(
        "orders",
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("buyer", sa.LargeBinary(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("consent", sa.Boolean(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("standing_at", sa.BigInteger(), nullable=True),
        sa.Column("dispute", sa.Text(), nullable=True),
        sa.Column("dispute_at", sa.BigInteger(), nullable=True),
        sa.Column("returns", sa.Text(), nullable=True),
        sa.Column("returns_at", sa.BigInteger(), nullable=True),
        sa.Column("claims", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=True),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("payment_at", sa.BigInteger(), nullable=True),
        sa.Column("fulfilled", sa.Boolean(), nullable=True),
        sa.Column("shipped_at", sa.BigInteger(), nullable=True),
        sa.Column("fulfilment_at", sa.BigInteger(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("delivery_at", sa.BigInteger(), nullable=True),
        sa.Column("skip", sa.Text(), nullable=True),
        sa.Column("date_unreadable", sa.Boolean(), nullable=False),
        sa.Column("details_at", sa.BigInteger(), nullable=True),
        sa.Column("consent_at", sa.BigInteger(), nullable=True),
        sa.Column("contact_at", sa.BigInteger(), nullable=True),
        sa.Column("accepts_buyer", sa.Boolean(), nullable=False),
        sa.Column("decide_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "delivery IN ('in_transit', 'delivered', 'delivery_failed', 'ready_for_pickup', 'scheduled')",
            name=op.f("ck_orders_delivery"),
        ),
        sa.CheckConstraint(
            "dispute IN ('open', 'on_hold', 'disputed', 'return_open', 'refund_open', 'other_status', 'cancelled', 'refunded', 'returned', 'chargeback')",
            name=op.f("ck_orders_dispute"),
        ),
        sa.CheckConstraint(
            "returns IN ('open', 'on_hold', 'disputed', 'return_open', 'refund_open', 'other_status', 'cancelled', 'refunded', 'returned', 'chargeback')",
            name=op.f("ck_orders_returns"),
        ),
        sa.CheckConstraint(
            "standing IN ('open', 'on_hold', 'disputed', 'return_open', 'refund_open', 'other_status', 'cancelled', 'refunded', 'returned', 'chargeback')",
            name=op.f("ck_orders_standing"),
        ),
        sa.CheckConstraint(
            "state IN ('received', 'waiting', 'settled')", name=op.f("ck_orders_state")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_orders_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("shop_id", "identity", name=op.f("uq_orders_shop_id_identity")),
    )
    op.create_index("ix_orders_buyer", "orders", ["shop_id", "buyer"], unique=False)
    op.create_index(
        "ix_orders_contact",
        "orders",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("email IS NOT NULL"),
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_decide_at",
        "orders",
        ["decide_at"],
        unique=False,
        sqlite_where=sa.text("decide_at IS NOT NULL"),
        postgresql_where=sa.text("decide_at IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_due",
        "orders",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_index(
        "ix_orders_pseudonym",
        "orders",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("buyer IS NOT NULL"),
        postgresql_where=sa.text("buyer IS NOT NULL"),
    )
    op.create_index("ix_orders_received_at", "orders", ["received_at"], unique=False)
    op.create_index(
        "ix_orders_waiting",
        "orders",
        ["shop_id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "staff_links",
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_links_staff_id")),
        sa.PrimaryKeyConstraint("link_hash", name=op.f("pk_staff_links")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("session_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id")
        ),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_staff_sessions")),
    )
    op.create_table(
        "volume_guards",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.Integer(), nullable=False),
        sa.Column("usual_at", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("raised_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_volume_guards_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_volume_guards")),
    )
    op.create_table(
        "decision_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_decision_log_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_log")),
    )
    op.create_index(op.f("ix_decision_log_at"), "decision_log", ["at"], unique=False)
    op.create_index(op.f("ix_decision_log_order_id"), "decision_log", ["order_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", ID, nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("experienced_at", sa.BigInteger(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'suspended', 'redeemed', 'withdrawn')",
            name=op.f("ck_invitations_state"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_invitations_order_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_invitations_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("link", name=op.f("uq_invitations_link")),
        sa.UniqueConstraint("order_id", name=op.f("uq_invitations_order_id")),
    )
    op.create_index(
        "ix_invitations_shop_created", "invitations", ["shop_id", "created_at"], unique=False
    )
    op.create_table(
        "reviews",
        sa.Column("id", ID, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("invitation_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("city", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("buyer_pseudonym", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("consent_wording", sa.Text(), nullable=False),
        sa.Column("experienced_at", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("edited_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("restricted_at", sa.BigInteger(), nullable=True),
        sa.Column("prior_published_at", sa.BigInteger(), nullable=True),
        sa.Column("emptied_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'published', 'rejected', 'withdrawn')",
            name=op.f("ck_reviews_state"),
        ),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_reviews_stars")),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_reviews_invitation_id")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_reviews_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_reviews_invitation_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reviews_public_id")),
    )
    op.create_index("ix_reviews_buyer_pseudonym", "reviews", ["buyer_pseudonym"], unique=False)
    op.create_index(
        "ix_reviews_counts",
        "reviews",
        ["shop_id", "state", "reason"],
        unique=False,
        sqlite_where=sa.text("restricted_at IS NULL"),
        postgresql_where=sa.text("restricted_at IS NULL"),
    )
    op.create_index("ix_reviews_state", "reviews", ["state", "id"], unique=False)
    op.create_table(
        "publications",
        sa.Column("review_id", ID, nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("experienced_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_publications_review_id")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_publications_shop_id")),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_publications")),
    )
    op.create_index(
        "ix_publications_newest", "publications", ["shop_id", "published_at"], unique=False
    )
    op.create_index(
        "ix_publications_stars", "publications", ["shop_id", "stars", "published_at"], unique=False
    )
    op.create_table(
        "replies",
        sa.Column("review_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("replied_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("replied_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_replies_review_id")),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_replies")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Samples of published columns are kept in the planner's statistics, past a withdrawal.
        for name in UNSAMPLED:
            op.execute(f"ALTER TABLE publications ALTER COLUMN {name} SET STATISTICS 0")


def downgrade() -> None:
    op.drop_table("replies")
    op.drop_index("ix_publications_stars", table_name="publications")
    op.drop_index("ix_publications_newest", table_name="publications")
    op.drop_table("publications")
    op.drop_index("ix_reviews_state", table_name="reviews")
    op.drop_index(
        "ix_reviews_counts",
        table_name="reviews",
        sqlite_where=sa.text("restricted_at IS NULL"),
        postgresql_where=sa.text("restricted_at IS NULL"),
    )
    op.drop_index("ix_reviews_buyer_pseudonym", table_name="reviews")
    op.drop_table("reviews")
    op.drop_index("ix_invitations_shop_created", table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_decision_log_order_id"), table_name="decision_log")
    op.drop_index(op.f("ix_decision_log_at"), table_name="decision_log")
    op.drop_table("decision_log")
    op.drop_table("volume_guards")
    op.drop_table("staff_sessions")
    op.drop_table("staff_links")
    op.drop_index(
        "ix_orders_waiting",
        table_name="orders",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_index("ix_orders_received_at", table_name="orders")
    op.drop_index(
        "ix_orders_pseudonym",
        table_name="orders",
        sqlite_where=sa.text("buyer IS NOT NULL"),
        postgresql_where=sa.text("buyer IS NOT NULL"),
    )
    op.drop_index(
        "ix_orders_due",
        table_name="orders",
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.drop_index(
        "ix_orders_decide_at",
        table_name="orders",
        sqlite_where=sa.text("decide_at IS NOT NULL"),
        postgresql_where=sa.text("decide_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_orders_contact",
        table_name="orders",
        sqlite_where=sa.text("email IS NOT NULL"),
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.drop_index("ix_orders_buyer", table_name="orders")
    op.drop_table("orders")
    op.drop_table("notice_versions")
    op.drop_index(op.f("ix_mail_reports_at"), table_name="mail_reports")
    op.drop_table("mail_reports")
    op.drop_index(op.f("ix_deliveries_at"), table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_api_connections_due_at"), table_name="api_connections")
    op.drop_table("api_connections")
    op.drop_table("webhook_health")
    op.drop_index(op.f("ix_webhook_counts_day"), table_name="webhook_counts")
    op.drop_table("webhook_counts")
    op.drop_index("ix_transactional_messages_recipient", table_name="transactional_messages")
    op.drop_index("ix_transactional_messages_created_at", table_name="transactional_messages")
    op.drop_table("transactional_messages")
    op.drop_table("staff")
    op.drop_table("shops")
    op.drop_table("send_suspensions")
    op.drop_index(op.f("ix_security_entries_minute"), table_name="security_entries")
    op.drop_table("security_entries")
    op.drop_table("restrictions")
    op.drop_index("ix_request_log_settled_at", table_name="request_log")
    op.drop_index(
        "ix_request_log_open",
        table_name="request_log",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("request_log")
    op.drop_index("ix_registered_buyers_link", table_name="registered_buyers")
    op.drop_table("registered_buyers")
    op.drop_table("receipts")
    op.drop_index(op.f("ix_privacy_requests_requested_at"), table_name="privacy_requests")
    op.drop_index(op.f("ix_privacy_requests_due_at"), table_name="privacy_requests")
    op.drop_table("privacy_requests")
    op.drop_index(op.f("ix_pending_registrations_requested_at"), table_name="pending_registrations")
    op.drop_index("ix_pending_registrations_address_pseudonym", table_name="pending_registrations")
    op.drop_table("pending_registrations")
    op.drop_table("opt_outs")
    op.drop_index(op.f("ix_my_data_links_pseudonym"), table_name="my_data_links")
    op.drop_index(op.f("ix_my_data_links_at"), table_name="my_data_links")
    op.drop_table("my_data_links")
    op.drop_index(
        "ix_messages_unknown",
        table_name="messages",
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )
    op.drop_index("ix_messages_sent_at", table_name="messages")
    op.drop_index(
        "ix_messages_leased",
        table_name="messages",
        sqlite_where=sa.text("state IN ('leased', 'handed')"),
        postgresql_where=sa.text("state IN ('leased', 'handed')"),
    )
    op.drop_index(
        "ix_messages_due",
        table_name="messages",
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.drop_table("messages")
    op.drop_table("mail_endpoints")
    op.drop_table("heartbeats")
    op.drop_index(op.f("ix_events_at"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_domain_throttles_forget_at"), table_name="domain_throttles")
    op.drop_table("domain_throttles")
    op.drop_index(op.f("ix_disclosure_log_at"), table_name="disclosure_log")
    op.drop_table("disclosure_log")
    op.drop_table("consent_texts")
    op.drop_table("clock_states")
    op.drop_table("circuit_breakers")
