"""Codes that people type: of their authenticator app, and of their list for emergencies. Each opens once."""

from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import transaction
from django.forms import Form

from audit.events import Event
from console.entrance.places import write_down
from tenants.models import User
from tokens.endpoints.circumstances import RECOVERY_CODE, TOTP

_STEP = "step"
_TOTP_DIGITS = 6


def step_of(secret: str, code: str) -> int | None:
    """Return the step of the clock (RFC 6238 §4.2) that a code is right for, if it is right now."""
    for step in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return int(step)
    return None


def use_step(app: Authenticator, step: int) -> None:
    """Mark a step, and with it all that came before, as used."""
    app.data = {**app.data, _STEP: step}
    app.save(update_fields=["data"])


@transaction.atomic
def accept(user: User, code: str) -> Authenticator | None:
    """Return the factor that a code proves, and use the code up; None for a wrong one or a used one."""
    held = Authenticator.objects.select_for_update().filter(user_id=user.pk).order_by("pk")
    for factor in held.exclude(type=Authenticator.Type.WEBAUTHN):
        if factor.type == Authenticator.Type.TOTP and _accept_step(factor, code):
            return factor
        if factor.type == Authenticator.Type.RECOVERY_CODES and factor.wrap().validate_code(code):
            write_down(Event.RECOVERY_CODE_USED, user, [RECOVERY_CODE])
            return factor
    return None


def _accept_step(app: Authenticator, code: str) -> bool:
    step = step_of(get_adapter().decrypt(app.data["secret"]), code)
    # allauth remembers used codes in a cache, for one step and for one process; a row remembers for all of them.
    if step is None or step <= app.data.get(_STEP, 0):
        return False
    use_step(app, step)
    return True


class _OpensOnce(Form):
    user: User

    def clean_code(self) -> str:
        """Return a code that was right and is now used up."""
        code = str(self.cleaned_data["code"])
        forget_failures = check_rate_limit(self.user)
        self.authenticator = accept(self.user, code)
        if self.authenticator is None:
            is_of_app = len(normalize_user_code(code)) == _TOTP_DIGITS
            write_down(Event.SIGN_IN_REFUSED, self.user, [TOTP if is_of_app else RECOVERY_CODE])
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator.user = self.user
        forget_failures()
        return code


class SecondFactorForm(_OpensOnce, AuthenticateForm):
    """The code after the password."""


class AgainForm(_OpensOnce, ReauthenticateForm):
    """The code that proves again who is signed in."""
