"""Settings: one frozen object from ``LIVINGLAB_*`` and ``instance/config.toml``; unsafe ones are refused."""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LANGUAGES = ("nb", "sv", "fi", "en")
"""The languages the program speaks."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class UnsafeConfig(Exception):
    """The settings would put people's data at risk; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator may choose. Environment beats file beats default.

    Args:
        instance: Kept absolute: a relative one means the folder the program was started in, and
            Flask would look for pictures beside its code.
        database_url: ``sqlite:///…`` or ``postgresql://…``; empty means ``instance/livinglab.sqlite``.
        base_url: The public address, without a slash at the end; links in mails are built from it.
        smtp_url: ``smtp://user:password@host:587`` (STARTTLS), ``smtps://…``; empty writes mails to files.
        trusted_proxies: How many proxies in front may be believed about the caller's address.
        age_limit: Years of age to be confirmed at sign-up (rule P2b).
        log_level: The least that is logged: DEBUG, INFO, WARNING or ERROR.
        keep_pages: Hand out a visitor's page again for two seconds; never while testing.
    """

    instance: Path = Path("instance")
    database_url: str = ""
    secret_key: str = ""
    base_url: str = "http://127.0.0.1:8000"
    trusted_hosts: tuple[str, ...] = ()
    trusted_proxies: int = 0
    demo: bool = False
    debug: bool = False
    testing: bool = False
    smtp_url: str = ""
    mail_from: str = "Livinglab <livinglab@localhost>"
    site_name: str = "Livinglab"
    default_language: str = "en"
    owner: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    contact_address: str = ""
    privacy_officer: str = ""
    supervisory_authority: str = ""
    accessibility_contact: str = ""
    source_url: str = ""
    age_limit: int = 13
    sign_ups_per_hour: int = 20
    keep_pages: bool = True
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        """Fix the folder where it is now."""
        object.__setattr__(self, "instance", self.instance.absolute())

    @property
    def database(self) -> str:
        """Return the database's address, the default filled in."""
        return self.database_url or f"sqlite:///{self.instance / 'livinglab.sqlite'}"

    @property
    def secure(self) -> bool:
        """Say whether people reach the site over https, so cookies may demand it."""
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        """Return the host name people reach the site by."""
        return urlsplit(self.base_url).hostname or ""


DEMO_OPERATOR: dict[str, Any] = {
    "owner": "Livinglab Demo (example.org)",
    "contact_email": "hello@demo.example.org",
    "contact_address": "Example Street 1, 00000 Example",
    "privacy_officer": "privacy@demo.example.org",
    "supervisory_authority": "Example Authority, authority.example.org",
    "accessibility_contact": "access@demo.example.org",
}
"""Who runs the demo: nobody, at addresses that can belong to nobody (RFC 2606)."""


def load_config(instance: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings.

    Raises:
        UnsafeConfig: An unknown or malformed setting.
    """
    folder = instance or Path(environ.get("LIVINGLAB_INSTANCE", "instance"))
    chosen: dict[str, Any] = {"instance": folder}
    file = folder / "config.toml"
    if file.is_file():
        chosen |= _from_file(file)
    names = {f"LIVINGLAB_{name.upper()}": name for name in _choosable()}
    chosen |= {name: _parse(name, environ[key]) for key, name in names.items() if key in environ}
    if chosen.get("demo"):
        chosen = DEMO_OPERATOR | chosen
    chosen["database_url"] = _database_url(chosen.get("database_url", ""))
    chosen["base_url"] = chosen.get("base_url", Config().base_url).rstrip("/")
    chosen["log_level"] = _log_level(chosen.get("log_level", Config().log_level))
    return _sensible(Config(**chosen))


def _sensible(config: Config) -> Config:
    """Return the settings as they are, if each by itself can be meant.

    Raises:
        UnsafeConfig: Says which cannot.
    """
    parts = urlsplit(config.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise UnsafeConfig(
            f"LIVINGLAB_BASE_URL must be like https://ideas.example.org, not {config.base_url!r}"
        )
    if config.default_language not in LANGUAGES:
        raise UnsafeConfig(f"LIVINGLAB_DEFAULT_LANGUAGE must be one of {', '.join(LANGUAGES)}")
    if config.trusted_proxies < 0:
        raise UnsafeConfig("LIVINGLAB_TRUSTED_PROXIES must be 0 or more")
    return config


def _choosable() -> list[str]:
    """Name what an operator may set; ``testing`` switches guards off and is for tests alone."""
    return [field.name for field in fields(Config) if field.name not in ("instance", "testing")]


def _from_file(file: Path) -> dict[str, Any]:
    """Read ``config.toml``; a setting has the type its default has."""
    try:
        settings = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UnsafeConfig(f"{file.name} cannot be read: {problem}") from None
    unknown = set(settings) - set(_choosable())
    if unknown:
        raise UnsafeConfig(f"{file.name}: unknown setting {', '.join(sorted(unknown))}")
    for name, value in settings.items():
        settings[name] = tuple(value) if isinstance(value, list) else value
        wanted = type(getattr(Config(), name))
        if type(settings[name]) is not wanted:
            raise UnsafeConfig(f"{file.name}: {name} must be {_KINDS[wanted]}, not {value!r}")
    return settings


_KINDS = {str: "a text", int: "a whole number", bool: "true or false", tuple: "a list"}


def _database_url(url: str) -> str:
    """Return the address of the database, the short name of PostgreSQL spelled out."""
    if url.startswith("postgres://"):
        return url.replace("postgres://", "postgresql://", 1)
    if url and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise UnsafeConfig(
            "LIVINGLAB_DATABASE_URL must be postgresql://user:password@host/name, sqlite:///file or empty."
        )
    return url


def _parse(name: str, value: str) -> Any:
    default = getattr(Config(), name)
    if isinstance(default, bool):
        return value.strip().lower() in ("1", "true", "yes", "on")
    if isinstance(default, int):
        try:
            return int(value)
        except ValueError:
            raise UnsafeConfig(f"LIVINGLAB_{name.upper()} must be a whole number, not {value!r}") from None
    if isinstance(default, tuple):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value.strip()


def _log_level(level: str) -> str:
    if level.upper() not in LEVELS:
        raise UnsafeConfig(f"LIVINGLAB_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {level!r}")
    return level.upper()


def keep_secret(folder: Path) -> str:
    """Return the secret of this instance, made and kept at the first start (mode 0600)."""
    file = folder / "secret_key"
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(48))
    return file.read_text("utf-8").strip()


def with_secret(config: Config) -> Config:
    """Return the settings with a secret of the instance's own, where the demo may make one up."""
    if config.secret_key or not config.demo:
        return config
    return replace(config, secret_key=keep_secret(config.instance))


def guard(config: Config) -> None:
    """Refuse to serve with settings that are unsafe outside the demo.

    Raises:
        UnsafeConfig: Says each thing that is wrong and how to set it right.
    """
    loopback = config.host in ("127.0.0.1", "localhost", "::1")
    problems = []
    if config.demo and not loopback:
        problems.append(
            "Demo mode lets anybody sign in as anybody; it only runs on this machine's own address. "
            "Unset LIVINGLAB_DEMO, or set LIVINGLAB_BASE_URL to a loopback address."
        )
    if not config.demo:
        if len(config.secret_key) < 32:
            problems.append("LIVINGLAB_SECRET_KEY is missing or shorter than 32 characters.")
        if config.debug:
            problems.append("LIVINGLAB_DEBUG must be off: it shows the program's inside to anybody.")
        if not loopback and config.host not in config.trusted_hosts:
            problems.append(
                f"LIVINGLAB_TRUSTED_HOSTS must name the host of LIVINGLAB_BASE_URL: {config.host}"
            )
        if not loopback and not config.secure:
            problems.append("LIVINGLAB_BASE_URL must start with https:// where people reach it from outside.")
    if problems:
        raise UnsafeConfig("\n".join(problems))
