"""Errors of databases as ours: one line without passwords, and whether a retry may help."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from pipeline.errors import BadInput, TrainshedError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

EXTRAS = {"postgresql": "trainshed[postgres]"}
"""Dialect → the extra of this package that brings its driver."""
SECRET_WORDS = ("pass", "secret", "token", "key")
"""A field of a URL whose name has one of these is not shown."""
REFUSED = frozenset({"0A", "22", "25", "28", "3D", "42"})
"""Classes of SQLSTATE that a retry meets again: not supported, bad data, read-only, authorization, no such database, syntax or permission."""
REFUSALS = ("authentication", "password", "access denied", "does not exist", "unknown database", "not permitted")
"""What drivers say that give no SQLSTATE while they connect."""
BUSY = ("locked", "busy", "i/o error")
"""What SQLite says when a retry may help."""
PASSING = frozenset({"OperationalError", "InterfaceError", "InternalError"})
"""Errors of the Python database API (PEP 249) that may pass."""
MOST_CHARS = 300


class Secrets(NamedTuple):
    """What no message may show."""

    values: tuple[str, ...]

    @classmethod
    def of(cls, url: URL) -> Secrets:
        """The password of a URL, and the values of fields that look like one; also as they are written in a URL."""
        found = [url.password or ""]
        for name, value in url.query.items():
            if any(word in name.lower() for word in SECRET_WORDS):
                found += [value] if isinstance(value, str) else value
        return cls(tuple(sorted({form(one) for one in found if one for form in (str, quote, quote_plus)}, key=len, reverse=True)))

    def hidden(self, text: str) -> str:
        """The text without them."""
        for value in self.values:
            text = text.replace(value, "***")
        return text


@contextmanager
def translated(name: str, secrets: Secrets) -> Iterator[None]:
    """Turn errors of SQLAlchemy and of a driver into ours.

    Args:
        name: of the database, for messages.
        secrets: what they may not show.
    """
    try:
        yield
    except SQLAlchemyError as error:
        # without a cause: a traceback would show the driver's own words, and the address with them
        raise _ours(name, secrets, error) from None


def missing_driver(url: URL, name: str, error: ImportError | SQLAlchemyError) -> BadInput:
    """The error of a database that has no driver here."""
    backend = url.get_backend_name()
    if isinstance(error, NoSuchModuleError):
        return BadInput(f"database {name!r}: SQLAlchemy knows no {url.drivername!r}", "a dialect such as postgresql", "correct its URL")
    if not isinstance(error, ImportError):
        return BadInput(f"database {name!r}: its URL cannot be used", "dialect://user:password@host/database", "correct its URL")
    extra = EXTRAS.get(backend)
    fix = f"pip install '{extra}'" if extra else f"install {error.name}"
    return BadInput(f"database {name!r} needs the driver {error.name}, which is not installed", "", f"{fix}, in the image of ingestion too")


def _ours(name: str, secrets: Secrets, error: SQLAlchemyError) -> TrainshedError:
    if not isinstance(error, DBAPIError):
        return BadInput(f"database {name!r}: {_line(secrets, str(error))}", "", "correct data.source")
    said = _line(secrets, str(error.orig))
    if _may_pass(error, said.lower()):
        return Unavailable(f"database {name!r} does not answer: {said}", "", "try again later, or correct its URL")
    return BadInput(f"database {name!r} refuses: {said}", "", "correct data.source, or the rights of its user")


def _may_pass(error: DBAPIError, said: str) -> bool:
    """Whether a retry may succeed."""
    if type(error.orig).__module__ == "sqlite3":
        return any(word in said for word in BUSY)
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return type(error).__name__ in PASSING and state[:2] not in REFUSED
    return type(error).__name__ in PASSING and not any(word in said for word in REFUSALS)


def _line(secrets: Secrets, text: str) -> str:
    return secrets.hidden(" ".join(text.split()))[:MOST_CHARS]
