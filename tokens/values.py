"""What passes between the six rooms: frozen values, never an HTTP request.

TokenRequest → (grants) → Proof → (rules.narrow) → Authorization → (issuer) → TokenSet
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agents.assertions import Evidence
from agents.models import Agent, Client
from delegations.models import Delegation
from delegations.rules import Part
from delegations.standing import Standing
from kit.forms import Form
from kit.uris import canonical_resource
from tenants.models import Membership, Tenant
from trust.models import Audience, TrustedIssuer


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request after strict parsing: its form, and the moment at which it is judged."""

    form: Form
    now: datetime
    evidence: Evidence = field(default_factory=Evidence)
    """What it showed of its client: the same, however often it is judged."""
    has_key_proof: bool = False
    """Whether a DPoP proof came with it (RFC 9449): where that had to bind a token, it is refused and not ignored."""
    deferral: str = ""
    """The deferral under which it waited until now, if it did."""
    waits_since: datetime | None = None
    """When what it brings was presented first: a code was in time if it was then."""

    @property
    def presented_at(self) -> datetime:
        return self.waits_since or self.now

    @property
    def may_wait(self) -> bool:
        """Whether the client would rather wait for a decision than be refused (DTR); other words are ignored."""
        return bool(self.deferral) or "deferred" in self.one("completion_mode").split()

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
    redirect_host: str
    """Where the code was sent: what its family is told apart by."""


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """A device code that the mint consumes; it opens a token family."""

    grant_id: str


@dataclass(frozen=True, slots=True)
class DeferralUse:
    """A deferral under which a person allowed something; the mint consumes it, and it opens a token family."""

    deferral_id: str


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
class GrantUse:
    """An assertion of a trusted issuer that the mint consumes; `jti` is the digest of the claim."""

    issuer_id: str
    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an identity assertion grant leads: a resource behind another authorization server, by what name there."""

    audience: Audience
    client_id: str
    resource: str
    scopes: frozenset[str]
    email: str = field(default="", repr=False)
    """The person's address, where that server is told it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A person whom an assertion names for the first time: who it is here, and whether they are a member yet."""

    issuer: TrustedIssuer
    subject: str
    member: Membership
    how: str
    email: str = field(default="", repr=False)
    name: str = ""


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
    consumes: CodeUse | DeviceUse | DeferralUse | Rotation | Grace | Derivation | GrantUse | None = None
    sign_in: SignIn | None = None
    refreshable_until: datetime | None = None
    """When the token family that it was proved by is over by the calendar."""
    not_after: datetime | None = None
    """When what was proved is over; nothing made of it lives longer."""
    issued_type: str = ""
    standing: Standing | None = None
    """The organisation's word that a delegation must be made or changed for, in the token's transaction."""
    arrival: Arrival | None = None
    destination: Destination | None = None
    """Where it leads, if not to a token for a resource here."""
    is_cut: bool = False
    """Whether scopes that were asked for beyond it are left out, instead of refusing all of them."""


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
    deferral: str = ""
    """What it waited under: the mint uses it up."""
    evidence: Evidence = field(default_factory=Evidence)

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
    refresh_token_timeout: int | None = None
    authorization_expires_in: int | None = None

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
        lives = {
            "refresh_token_timeout": self.refresh_token_timeout,
            "authorization_expires_in": self.authorization_expires_in,
        }
        finite = {name: seconds for name, seconds in lives.items() if seconds is not None}
        return {name: value for name, value in (members | finite).items() if value != ""}
