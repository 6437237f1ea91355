"""By what somebody showed who they are, as people say it: the ledger keeps words of a fixed set (`context.Proof`)."""

from django.utils.translation import gettext_lazy as _

from console.consents import PROOFS

_WORDS = {
    **PROOFS,
    "access_token": _("An app's access token"),
    "none": _("Nothing: a public client"),
    "client_secret_basic": _("Client secret"),
    "client_secret_post": _("Client secret"),
    "private_key_jwt": _("Client key"),
    "federated": _("A platform's token"),
    "assertion": _("An issuer's assertion"),
    "initial_access_token": _("A token for registering"),
    "registration_access_token": _("The token that manages it"),
}


def in_words(proof: str) -> str:
    """Return what a proof is called on a page; a part that nobody wrote words for says itself."""
    return ", ".join(str(_WORDS.get(part, part)) for part in proof.split("+") if part)
