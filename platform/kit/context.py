"""The current tenant and request: context variables that fail closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class HasId(Protocol):
    @property
    def id(self) -> str: ...


class NoTenant(RuntimeError):
    """Tenant-scoped rows were asked for while no tenant was entered: a programming error, never a refusal."""


_tenant: ContextVar[HasId | None] = ContextVar("tenant", default=None)
_request_id: ContextVar[str] = ContextVar("request_id", default="")


@contextmanager
def use(tenant: HasId | None) -> Iterator[None]:
    """Make `tenant` the current one inside the block; None leaves every tenant."""
    token = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(token)


def current() -> HasId | None:
    """Return the current tenant, or None outside of every tenant."""
    return _tenant.get()


def current_id() -> str:
    """Return the current tenant's id, or "" outside of every tenant."""
    tenant = _tenant.get()
    return tenant.id if tenant is not None else ""


def require_id() -> str:
    """Return the current tenant's id; raises NoTenant where there is none."""
    tenant = _tenant.get()
    if tenant is None:
        raise NoTenant("no tenant is current here")
    return tenant.id


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Name the request whose effects the block records."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def request_id() -> str:
    """Return the id of the request being answered, or "" outside of one."""
    return _request_id.get()
