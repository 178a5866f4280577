"""Settings: frozen, typed, from TRUSTSVC_* or a file named by …_FILE; validated."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar
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
    database_replica_url: str
    redis_url: str
    mail_url: str
    mail_from: str
    mail_pace: int
    mailers: int
    smtp_connections: int
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
    "DATABASE_REPLICA_URL": "",
    "REDIS_URL": "",
    "MAIL_URL": "",
    "MAIL_FROM": "",
    "MAIL_PACE": "600",
    "MAILERS": "1",
    "SMTP_CONNECTIONS": "3",
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

_Value = TypeVar("_Value")


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Raises Misconfigured with a sentence for each wrong setting, which names it and says what to
    do; a value is never repeated: it may be a secret.
    """
    parser = _Parser(environ)
    settings = _parsed(parser)
    problems = [*parser.problems, *_demo_problems(settings), *_eu_problems(settings)]
    if settings.database_replica_url and settings.database_url.startswith("sqlite"):
        problems.append(
            "TRUSTSVC_DATABASE_REPLICA_URL needs a TRUSTSVC_DATABASE_URL of PostgreSQL."
        )
    if problems:
        raise Misconfigured(*problems)
    return settings


class _Parser:
    """Parses one setting after the other and collects the problems.

    A wrong setting counts as left out meanwhile, so the others are parsed as well.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.raw = dict(DEFAULTS)
        for variable in sorted(environ):
            if variable.startswith(PREFIX):
                try:
                    name, text = _one(variable, environ)
                    self.raw[name] = text
                except Misconfigured as problem:
                    self.problems += problem.problems

    def get(
        self, name: str, parse: Callable[[str], _Value], otherwise: str | None = None
    ) -> _Value:
        """Parse a setting; a wrong one becomes its default, or what `otherwise` says."""
        try:
            return parse(self.raw[name])
        except Misconfigured as problem:
            self.problems += problem.problems
            return parse(DEFAULTS[name] if otherwise is None else otherwise)

    def integer(self, name: str, least: int, most: int) -> int:
        return self.get(name, lambda text: config_values.integer(name, text, least, most))

    def boolean(self, name: str) -> bool:
        return self.get(name, lambda text: config_values.boolean(name, text))

    def address(self, name: str, default: str) -> str:
        return self.get(name, lambda text: config_values.address(name, text or default))


def _parsed(parser: _Parser) -> Settings:
    data = parser.get("DATA", config_values.folder, otherwise=".")  # a file may be named ./data
    port = parser.integer("PORT", 1, 65535)
    base_url = parser.get(
        "BASE_URL", lambda text: config_values.base_url(text or f"http://127.0.0.1:{port}")
    )
    host = urlsplit(base_url).hostname or ""
    mail_domain = config_values.mail_domain(host)
    contact = parser.address("CONTACT", f"privacy@{mail_domain}")
    return Settings(
        data=data,
        bind=parser.get("BIND", config_values.bind),
        port=port,
        web_processes=parser.integer("WEB_PROCESSES", 1, 64),
        base_url=base_url,
        trusted_proxies=parser.get("TRUSTED_PROXIES", config_values.networks),
        database_url=parser.get(
            "DATABASE_URL", lambda text: config_values.database_url(text, data)
        ),
        database_replica_url=parser.get("DATABASE_REPLICA_URL", config_values.replica_url),
        redis_url=parser.get("REDIS_URL", redis_url.checked),
        mail_url=parser.get("MAIL_URL", lambda text: config_values.mail_url(text, data)),
        mail_from=parser.address("MAIL_FROM", f"reviews@{mail_domain}"),
        mail_pace=parser.integer("MAIL_PACE", 0, 100_000),
        mailers=parser.integer("MAILERS", 1, 16),
        smtp_connections=parser.integer("SMTP_CONNECTIONS", 1, 32),
        hourly_most=parser.integer("HOURLY_MOST", 0, 10_000_000),
        confirmations_hourly=parser.integer("CONFIRMATIONS_HOURLY", 0, 1_000_000),
        resend=parser.boolean("RESEND"),
        mail_return=parser.get("MAIL_RETURN", config_values.return_address),
        dkim_domain=parser.get(
            "DKIM_DOMAIN", lambda text: config_values.domain("DKIM_DOMAIN", text)
        ),
        operator=parser.raw["OPERATOR"] or host,
        contact=contact,
        alarm_to=parser.address("ALARM_TO", contact),
        authority=parser.raw["AUTHORITY"],
        log_days=parser.get("LOG_DAYS", config_values.log_days),
        json_ld=parser.boolean("JSON_LD"),
        eu_only=parser.get("EU_ONLY", config_values.word_list),
        marketplace_relays=parser.get(
            "MARKETPLACE_RELAYS", lambda text: config_values.domains("MARKETPLACE_RELAYS", text)
        ),
        demo=parser.boolean("DEMO"),
    )


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


def _demo_problems(settings: Settings) -> Iterator[str]:
    if settings.demo and not (settings.is_loopback and is_loopback(settings.bind)):
        yield (
            "TRUSTSVC_DEMO shows the mailbox to everybody who gets in: it needs a base URL and a "
            "TRUSTSVC_BIND on loopback."
        )


def _eu_problems(settings: Settings) -> Iterator[str]:
    if not settings.eu_only:
        return
    proxies = [
        str(net).removesuffix("/32").removesuffix("/128") for net in settings.trusted_proxies
    ]
    mail_host = urlsplit(settings.mail_url).hostname or ""
    for what, hosts in (("MAIL_URL", [mail_host]), ("TRUSTED_PROXIES", proxies)):
        if any(host and host not in settings.eu_only and not is_loopback(host) for host in hosts):
            yield f"TRUSTSVC_{what} names a host that TRUSTSVC_EU_ONLY does not list."
