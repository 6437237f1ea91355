"""The current tenant and request, who asks and by which proof: context variables that fail closed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class HasId(Protocol):
    @property
    def id(self) -> str: ...


class NoTenant(RuntimeError):
    """Tenant-scoped rows were asked for while no tenant was entered: a programming error, never a refusal."""


@dataclass(frozen=True, slots=True)
class Proof:
    """By what somebody showed who they are, and when last; both are empty where nothing shows it.

    Of people `how` is what they proved in their session, oldest first (`password+totp`); of programs how their client
    authenticated (`private_key_jwt`), or what they brought in its place.
    """

    how: str = ""
    at: datetime | None = None


UNPROVED = Proof()

_tenant: ContextVar[HasId | None] = ContextVar("tenant", default=None)
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_address: ContextVar[str] = ContextVar("address", default="")
_proof: ContextVar[Proof | Callable[[], Proof]] = ContextVar("proof", default=UNPROVED)


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
def request(request_id: str, *, address: str = "") -> Iterator[None]:
    """Name the request whose effects the block records, and where it comes from; nothing is proved in it yet."""
    tokens = (_request_id.set(request_id), _address.set(address), _proof.set(UNPROVED))
    try:
        yield
    finally:
        _request_id.reset(tokens[0])
        _address.reset(tokens[1])
        _proof.reset(tokens[2])


def request_id() -> str:
    """Return the id of the request being answered, or "" outside of one."""
    return _request_id.get()


def address() -> str:
    """Return where the request being answered comes from, or "" outside of one."""
    return _address.get()


def proved(proof: Proof | Callable[[], Proof]) -> None:
    """Say by what the request being answered shows who asks; what is dear to know is asked for when it is recorded."""
    if _request_id.get():
        _proof.set(proof)


def proof() -> Proof:
    """Return by what the request being answered shows who asks; UNPROVED outside of one."""
    found = _proof.get()
    return found if isinstance(found, Proof) else found()
