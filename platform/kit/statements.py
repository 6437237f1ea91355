"""Statements of the hot path: a fixed text that the database plans once, and plain values out of it.

The ORM builds a statement anew for each request, and PostgreSQL plans it anew: several times what the answer costs.
Here stands only what every token request and introspection needs; the text is the same for both databases.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, models

Row = tuple[Any, ...]
Found = TypeVar("Found", bound=models.Model)


class Columns(Generic[Found]):
    """The columns of a model that a statement reads, and the way from their values to an instance.

    A column that is not among them is read by the ORM when somebody asks for it.
    """

    def __init__(self, model: type[Found], *names: str) -> None:
        fields = [field for field in model._meta.concrete_fields if field.attname in names]
        if len(fields) != len(names):
            raise ValueError(f"{model.__name__} lacks one of {names}")
        self._model = model
        self._readers = {place: reader for place, field in enumerate(fields) if (reader := _reader(field))}
        self.names = tuple(field.attname for field in fields)

    def __len__(self) -> int:
        return len(self.names)

    def listed(self, alias: str = "") -> str:
        """Return the columns for a statement, in the order in which `read` expects them."""
        return ", ".join(f"{alias}.{name}" if alias else name for name in self.names)

    def one(self, values: Sequence[Any], name: str) -> Any:
        """Return one column out of a row's values, where nobody needs the instance."""
        place = self.names.index(name)
        return self._readers[place](values[place]) if place in self._readers else values[place]

    def read(self, values: Sequence[Any]) -> Found:
        """Return the instance behind a row's values."""
        read = [self._readers[place](each) if place in self._readers else each for place, each in enumerate(values)]
        return self._model.from_db(connection.alias, self.names, read)


class Statement(NamedTuple):
    """A statement's text and the values in it."""

    text: str
    values: Sequence[Any]


def first(text: str, values: Sequence[Any]) -> Row | None:
    """Return the first row that a statement gives, or None."""
    with _executed(text, values) as cursor:
        row: Row | None = cursor.fetchone()
        return row


def every(text: str, values: Sequence[Any]) -> list[Row]:
    """Return all rows that a statement gives."""
    with _executed(text, values) as cursor:
        return list(cursor.fetchall())


def changed(text: str, values: Sequence[Any]) -> int:
    """Return how many rows a statement wrote."""
    with _executed(text, values) as cursor:
        return int(cursor.rowcount)


def written_moment(moment: datetime) -> Any:
    """Return a moment as this database takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def read_moment(value: Any) -> datetime | None:
    """Return a moment as it came: SQLite's are in UTC and do not say so."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_json(value: Any) -> Any:
    """Return a JSON column as it came: the text of it, on both databases."""
    return json.loads(value) if isinstance(value, str) else value


def written_json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a JSON column's text; PostgreSQL takes it where the statement casts it."""
    return json.dumps(value, separators=(",", ":"))


def is_postgresql() -> bool:
    """Say whether a statement may lock rows and write two tables at once."""
    return bool(settings.IS_POSTGRESQL)


def _reader(field: "models.Field[Any, Any]") -> Callable[[Any], Any] | None:
    if isinstance(field, models.DateTimeField):
        return read_moment
    return read_json if isinstance(field, models.JSONField) else None


@contextmanager
def _executed(text: str, values: Sequence[Any]) -> Iterator[Any]:
    """Give the cursor of a statement that was sent; what the driver raises comes as Django's error."""
    database = connections[DEFAULT_DB_ALIAS]
    prepared = getattr(database, "prepared", None)
    with prepared() if prepared is not None else database.cursor() as cursor, database.wrap_database_errors:
        cursor.execute(text, values)
        yield cursor
