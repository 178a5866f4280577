"""Settings: frozen, typed, from TRUSTSVC_* or a file named by …_FILE; validated."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from trustsvc import config_values, redis_url
from trustsvc.config_values import MAX_LOG_DAYS, Network, is_loopback
from trustsvc.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can decide; tools/docs/settings.toml explains each."""

    data: Path
    bind: str
    port: int
    web_processes: int
    base_url: str
    trusted_proxies: tuple[Network, ...]
    database_url: str
    redis_url: str
    mail_url: str
    mail_from: str
    mail_pace: int
    mailers: int
    hourly_most: int
    confirmations_hourly: int
    resend: bool
    mail_return: str
    dkim_domain: str
    operator: str
    contact: str
    alarm_to: str
    authority: str
    log_days: int
    json_ld: bool
    eu_only: tuple[str, ...]
    marketplace_relays: tuple[str, ...]
    demo: bool

    @property
    def is_loopback(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def embedded_redis(self) -> bool:
        return not self.redis_url


DEFAULTS = {
    "DATA": "./data",
    "BIND": "127.0.0.1",
    "PORT": "8000",
    "WEB_PROCESSES": "2",
    "BASE_URL": "",
    "TRUSTED_PROXIES": "",
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "MAIL_URL": "",
    "MAIL_FROM": "",
    "MAIL_PACE": "600",
    "MAILERS": "1",
    "HOURLY_MOST": "1000",
    "CONFIRMATIONS_HOURLY": "200",
    "RESEND": "",
    "MAIL_RETURN": "",
    "DKIM_DOMAIN": "",
    "OPERATOR": "",
    "CONTACT": "",
    "ALARM_TO": "",
    "AUTHORITY": "",
    "LOG_DAYS": str(MAX_LOG_DAYS),
    "JSON_LD": "",
    "EU_ONLY": "",
    "MARKETPLACE_RELAYS": "",
    "DEMO": "",
}
PREFIX = "TRUSTSVC_"


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Raises Misconfigured with a sentence that names the setting and says what to do; the value
    is never repeated: it may be a secret.
    """
    raw = DEFAULTS | dict(
        _one(variable, environ) for variable in sorted(environ) if variable.startswith(PREFIX)
    )
    data = config_values.folder(raw["DATA"])
    port = config_values.integer("PORT", raw["PORT"], 1, 65535)
    base_url = config_values.base_url(raw["BASE_URL"] or f"http://127.0.0.1:{port}")
    host = urlsplit(base_url).hostname or ""
    hourly = raw["CONFIRMATIONS_HOURLY"]
    contact = config_values.address(
        "CONTACT", raw["CONTACT"] or f"privacy@{config_values.mail_domain(host)}"
    )
    settings = Settings(
        data=data,
        bind=config_values.bind(raw["BIND"]),
        port=port,
        web_processes=config_values.integer("WEB_PROCESSES", raw["WEB_PROCESSES"], 1, 64),
        base_url=base_url,
        trusted_proxies=config_values.networks(raw["TRUSTED_PROXIES"]),
        database_url=config_values.database_url(raw["DATABASE_URL"], data),
        redis_url=redis_url.checked(raw["REDIS_URL"]),
        mail_url=config_values.mail_url(raw["MAIL_URL"], data),
        mail_from=config_values.address(
            "MAIL_FROM", raw["MAIL_FROM"] or f"reviews@{config_values.mail_domain(host)}"
        ),
        mail_pace=config_values.integer("MAIL_PACE", raw["MAIL_PACE"], 0, 100_000),
        mailers=config_values.integer("MAILERS", raw["MAILERS"], 1, 16),
        hourly_most=config_values.integer("HOURLY_MOST", raw["HOURLY_MOST"], 0, 10_000_000),
        confirmations_hourly=config_values.integer("CONFIRMATIONS_HOURLY", hourly, 0, 1_000_000),
        resend=config_values.boolean("RESEND", raw["RESEND"]),
        mail_return=config_values.return_address(raw["MAIL_RETURN"]),
        dkim_domain=config_values.domain("DKIM_DOMAIN", raw["DKIM_DOMAIN"]),
        operator=raw["OPERATOR"] or host,
        contact=contact,
        alarm_to=config_values.address("ALARM_TO", raw["ALARM_TO"] or contact),
        authority=raw["AUTHORITY"],
        log_days=config_values.log_days(raw["LOG_DAYS"]),
        json_ld=config_values.boolean("JSON_LD", raw["JSON_LD"]),
        eu_only=config_values.word_list(raw["EU_ONLY"]),
        marketplace_relays=config_values.domains("MARKETPLACE_RELAYS", raw["MARKETPLACE_RELAYS"]),
        demo=config_values.boolean("DEMO", raw["DEMO"]),
    )
    _check_demo(settings)
    _check_eu(settings)
    return settings


@cache
def _from_environment() -> Settings:
    return load(os.environ)


_used: Settings | None = None


def current() -> Settings:
    """Give the settings of this process."""
    return _used or _from_environment()


def use(settings: Settings | None) -> None:
    """Let this process run with other settings (tests, the demo); None: the environment's."""
    global _used  # noqa: PLW0603 - the one set of settings of the process
    _used = settings
    if settings is None:
        _from_environment.cache_clear()


def _one(variable: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name = variable.removeprefix(PREFIX)
    if name in DEFAULTS:
        if f"{variable}_FILE" in environ:
            raise Misconfigured(f"Both {variable} and {variable}_FILE are set: keep one of them.")
        return name, environ[variable].strip()
    name = name.removesuffix("_FILE")
    if name not in DEFAULTS or not variable.endswith("_FILE"):
        raise Misconfigured(
            f"{variable} is not a setting: see docs/reference/generated/settings.md."
        )
    try:
        return name, Path(environ[variable]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"The file named by {variable} cannot be read.") from None


def _check_demo(settings: Settings) -> None:
    if settings.demo and not (settings.is_loopback and is_loopback(settings.bind)):
        raise Misconfigured(
            "TRUSTSVC_DEMO shows the mailbox to everybody who gets in: it needs a base URL and a "
            "TRUSTSVC_BIND on loopback."
        )


def _check_eu(settings: Settings) -> None:
    if not settings.eu_only:
        return
    mail_host = urlsplit(settings.mail_url).hostname
    proxies = [
        str(net).removesuffix("/32").removesuffix("/128") for net in settings.trusted_proxies
    ]
    for host, what in [(mail_host, "MAIL_URL"), *((proxy, "TRUSTED_PROXIES") for proxy in proxies)]:
        if host and host not in settings.eu_only and not is_loopback(host):
            raise Misconfigured(
                f"TRUSTSVC_{what} names a host that TRUSTSVC_EU_ONLY does not list."
            )
