"""The schedule: which job the scheduler enqueues how often.

Jobs may run twice or late: the database decides.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    job: str
    every_s: int


SCHEDULE = (
    ScheduledJob("check_orders", 15),
    ScheduledJob("send_messages", 15),
    ScheduledJob("answer_privacy_requests", 15),
    ScheduledJob("publish_reviews", 15),
    ScheduledJob("refresh_badges", 30),
    ScheduledJob("plan_reminders", 600),
    ScheduledJob("purge_server_log", 600),
    ScheduledJob("record_notice_versions", 600),
    ScheduledJob("recheck_domains", 600),
    ScheduledJob("catch_up", 60),
    ScheduledJob("watch_webhooks", 600),
    ScheduledJob("scrub", 300),
    ScheduledJob("purge_rows", 3600),
)
