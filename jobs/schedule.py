"""Which tick rings when. Ticks may be doubled or late: the states in the database decide."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    job: str
    every_s: int


TICKS = (
    Tick("check_orders", 15),
    Tick("send_invitations", 15),
    Tick("send_correspondence", 15),
    Tick("answer_privacy_requests", 15),
    Tick("publish_reviews", 15),
    Tick("refresh_badges", 30),
    Tick("plan_reminders", 600),
    Tick("purge_server_log", 600),
    Tick("record_notice_versions", 600),
    Tick("recheck_domains", 600),
    Tick("scrub", 300),
    Tick("purge_rows", 3600),
)
