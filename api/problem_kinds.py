"""What the `type` of a problem stands for: one address for each title, where a page says what to do (RFC 9457 §3.1.1).

What HTTP's own status says already is about:blank, as §4.2.1 has it, and so is what comes before any tenant is known.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from kit import context
from tenants.directory import current
from tokens.endpoints.code_page import Explained

UNREADABLE = _("The request cannot be read")
TOKEN_NEEDED = _("A token for this API is needed")
SIGN_IN_TOO_OLD = _("The person has to sign in anew")
SCOPE_LACKING = _("The token lacks a scope")
ROLE_LACKING = _("Your role does not allow this")
OWN_CAUSE = _("This is about the agent that asks")
OVER = _("It is over already")
CHANGED = _("It was changed since you read it")
CANNOT_HOLD = _("What was said cannot hold")
TOO_MANY = _("Too many requests")
KEY_REUSED = _("This Idempotency-Key was used for another request")
IN_FLIGHT = _("The same request is being answered")
NOT_KNOWN = _("Not everybody knows the next key yet")
LAST_WAY = _("It is the last way in")
THERE_ALREADY = _("It is there already")
ONLY_SMALLER = _("It is only made smaller")
DECIDED = _("It was decided already")
TOO_LATE = _("It is too late to undo that")
LAST_ADMIN = _("The last admin stays one")
NUMBER_MOVED = _("Another number matches now")

ADVICE: Mapping[str, tuple[str, str]] = {
    UNREADABLE: ("unreadable", _("Send what the description of the operation asks for; errors names each member.")),
    TOKEN_NEEDED: ("token-needed", _("Send an access token whose audience is this API, in the header Authorization.")),
    SIGN_IN_TOO_OLD: ("sign-in-too-old", _("Have the person sign in again, with max_age as WWW-Authenticate says.")),
    SCOPE_LACKING: ("scope-lacking", _("Ask the person for the scope that WWW-Authenticate names.")),
    ROLE_LACKING: ("role-lacking", _("Have somebody do it who has one of the roles, or ask an admin for one.")),
    OWN_CAUSE: ("own-cause", _("Decide it on a page, or through another agent than the one that it is about.")),
    OVER: ("over", _("Read it again: what is over is changed no more.")),
    CHANGED: ("changed-since", _("Read it again, look at what changed, and send its new ETag in If-Match.")),
    CANNOT_HOLD: ("cannot-hold", _("Change what detail and errors name; the same request will be refused again.")),
    TOO_MANY: ("too-many-requests", _("Wait for as many seconds as Retry-After says.")),
    KEY_REUSED: ("key-reused", _("Take a new Idempotency-Key for a new request.")),
    IN_FLIGHT: ("in-flight", _("Wait for as many seconds as Retry-After says, and send the same request again.")),
    NOT_KNOWN: (
        "key-not-known",
        _("Ask again at ready_at: till then some servers would refuse its tokens."),
    ),
    LAST_WAY: ("last-way-in", _("Add another way in first, then take this one away.")),
    THERE_ALREADY: ("there-already", _("Use the one that is there, or another name.")),
    ONLY_SMALLER: ("only-smaller", _("Ask for less than there is; more takes a new consent.")),
    DECIDED: ("decided-already", _("Read it again: somebody was first. What they decided may be undone for a while.")),
    TOO_LATE: ("too-late-to-undo", _("Do it anew, as a change of its own.")),
    LAST_ADMIN: ("last-admin", _("Make somebody else an admin first.")),
    NUMBER_MOVED: ("number-moved", _("Look again at what matches, and confirm the number that matches says.")),
}
"""By title, the last part of the address, and what a developer does about it."""
PAGES: Mapping[str, Explained] = {code: Explained(title, advice) for title, (code, advice) in ADVICE.items()}
"""What stands at each address; `remit` shows them among those of OAuth's codes."""


def type_of(title: str) -> str:
    """Return the `type` of a problem with a title."""
    if title not in ADVICE or not context.current_id():
        return "about:blank"
    return f"{current().issuer}/errors/{ADVICE[title][0]}"
