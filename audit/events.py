"""The names of everything that is recorded. A name is never reused for another meaning."""

from enum import StrEnum


class Event(StrEnum):
    TENANT_CREATED = "tenant.created"
    TENANT_SUSPENDED = "tenant.suspended"
    TENANT_RESUMED = "tenant.resumed"
    MEMBER_ADDED = "member.added"
    MEMBER_SUSPENDED = "member.suspended"
    RESOURCE_SERVER_ADDED = "resource_server.added"
    TENANT_POLICY_CHANGED = "tenant.policy_changed"

    AGENT_REGISTERED = "agent.registered"
    AGENT_SUSPENDED = "agent.suspended"
    AGENT_RESUMED = "agent.resumed"
    CLIENT_REGISTERED = "client.registered"
    CLIENT_DISABLED = "client.disabled"
    CLIENT_SECRET_CHANGED = "client.secret_changed"
    CLIENT_DOCUMENT_CHANGED = "client.document_changed"
    CLIENT_KEYS_CHANGED = "client.keys_changed"
    CLIENT_AUDIENCE_SWITCHED = "client.audience_switched"

    SIGNED_IN = "login.ok"
    SIGNED_IN_AGAIN = "login.again"
    SIGN_IN_REFUSED = "login.refused"
    SIGNED_OUT = "logout.ok"
    FACTOR_ADDED = "factor.added"
    FACTOR_REMOVED = "factor.removed"
    RECOVERY_CODES_SHOWN = "recovery_codes.shown"
    RECOVERY_CODE_USED = "recovery_codes.used"

    DELEGATION_ALLOWED = "delegation.allowed"
    DELEGATION_REFUSED = "delegation.refused"
    DELEGATION_WIDENED = "delegation.widened"
    DELEGATION_ENDED = "delegation.ended"
    DELEGATION_EXPIRED = "delegation.expired"
    DELEGATION_RESTORED = "delegation.restored"

    AUTHORIZATION_REFUSED = "authorization.refused"
    TOKEN_ISSUED = "token.issued"
    TOKEN_REFUSED = "token.refused"
    TOKEN_REVOKED = "token.revoked"
    FAMILY_REVOKED = "token.family_revoked"

    KEY_CREATED = "key.created"
    KEY_ACTIVATED = "key.activated"
    KEY_RETIRED = "key.retired"
    KEY_DESTROYED = "key.destroyed"
