"""What passes between the six rooms: frozen values, never an HTTP request.

TokenRequest → (grants) → Proof → (rules.narrow) → Authorization → (issuer) → TokenSet
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agents.models import Agent, Client
from delegations.models import Delegation
from delegations.rules import Part
from kit.forms import Form
from kit.uris import canonical_resource
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request after strict parsing: its form, and the moment at which it is judged."""

    form: Form
    now: datetime
    spent: set[str] = field(default_factory=set)
    """Digests of assertions that this very request spent: it may be judged twice."""

    def one(self, name: str) -> str:
        """Return a parameter's value, or "" where it is absent."""
        return self.form.get(name, ("",))[0]

    @property
    def resources(self) -> tuple[str, ...]:
        return tuple(canonical_resource(resource) for resource in self.form.get("resource", ()))

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.one("scope").split())


@dataclass(frozen=True, slots=True)
class CodeUse:
    """An authorization code that the mint consumes; it opens a token family."""

    code_id: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """A refresh token that the mint consumes: the family moves from `generation` to the next."""

    family_id: str
    generation: int
    next_secret: str


@dataclass(frozen=True, slots=True)
class Grace:
    """The direct parent of a family's token came again at once: the same successor is given, nothing is consumed."""

    family_id: str
    generation: int
    secret: str


@dataclass(frozen=True, slots=True)
class Derivation:
    """What an exchanged token descends from: the presented token with its family, and the part to make or widen."""

    parent_id: str | None
    family_id: str | None
    part: Part | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """When and how the person signed in, for ID tokens (OpenID Connect Core §2)."""

    auth_time: datetime
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a grant proved: for whom, by whom, with what, and the delegations that a token may hang on."""

    tenant: Tenant
    subject: str
    actor: Agent | None
    client: Client
    scopes: frozenset[str]
    delegations: tuple[Delegation, ...]
    may_infer_audience: bool
    consumes: CodeUse | Rotation | Grace | Derivation | None = None
    sign_in: SignIn | None = None
    not_after: datetime | None = None
    """When what was proved is over; nothing made of it lives longer."""
    issued_type: str = ""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What may be minted. Its fields are the sentence:

    in tenant T, subject S, through actor A using client C, may do scopes X at audience R until E,
    because of delegation D.
    """

    tenant: Tenant
    subject: str
    actor: Agent | None
    client: Client
    scopes: frozenset[str]
    audience: str
    expires_at: datetime
    delegation: Delegation
    grant_type: str
    proof: Proof
    now: datetime

    @property
    def scope(self) -> str:
        return " ".join(sorted(self.scopes))

    @property
    def actors(self) -> tuple[str, ...]:
        """Who speaks for the subject, the one who speaks now first (RFC 8693 §4.1); an agent for itself is nobody's."""
        if self.actor is None:
            return ()
        earlier = (above.agent_id for above in self.delegation.line[1:])
        return (self.actor.pk, *(agent for agent in earlier if agent and agent != self.subject))

    @property
    def seconds(self) -> int:
        return int((self.expires_at - self.now).total_seconds())


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The answer to a token request (RFC 6749 §5.1)."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    token_type: str = "Bearer"
    issued_token_type: str = ""

    def as_json(self) -> Mapping[str, str | int]:
        """Return the members that have a value: no null ever stands on the wire."""
        members: dict[str, str | int] = {
            "access_token": self.access_token,
            "issued_token_type": self.issued_token_type,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": self.scope,
            "refresh_token": self.refresh_token,
            "id_token": self.id_token,
        }
        return {name: value for name, value in members.items() if value != ""}
