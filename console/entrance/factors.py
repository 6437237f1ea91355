"""allauth's adapter for factors: who we are to authenticators, and how their secrets are kept."""

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

from kit import sealing
from tenants.models import User


class Factors(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is wrong, or it was used before. Wait for the next one."),
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text.encode(), settings.SEALING_KEYS)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text, settings.SEALING_KEYS).decode()

    def get_totp_issuer(self) -> str:
        return _host()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party (WebAuthn §5.4.2): our configured host, whatever a request calls us."""
        return {"id": _host(), "name": _host()}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey {number}").format(number=count + 1) if count else gettext("Passkey")


def _host() -> str:
    return urlsplit(settings.PUBLIC_ORIGIN).hostname or ""
