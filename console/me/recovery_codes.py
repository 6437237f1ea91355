"""Recovery codes: shown, saved, replaced. Each look at them is in the ledger."""

from typing import Any

from allauth.mfa.recovery_codes import views
from django.db import transaction
from django.forms import Form
from django.http import HttpResponse

from audit.events import Event
from audit.ledger import record
from console.access import for_fresh_members, principal
from console.me.factors import recorded
from tokens.endpoints.request import MemberRequest


class _Shown:
    request: MemberRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        with transaction.atomic():
            context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]  # allauth's view follows.
            record(Event.RECOVERY_CODES_SHOWN, by=principal(self.request), about=self.request.member)
        return context


class Show(_Shown, views.ViewRecoveryCodesView):
    template_name = "me/recovery_codes.html"


class Download(_Shown, views.DownloadRecoveryCodesView):
    template_name = "me/recovery_codes.txt"


class Replace(views.GenerateRecoveryCodesView):
    template_name = "me/replace_recovery_codes.html"

    def form_valid(self, form: Form) -> HttpResponse:
        with recorded(self.request):
            response: HttpResponse = super().form_valid(form)
        return response


show = for_fresh_members(Show.as_view())
download = for_fresh_members(Download.as_view())
replace = for_fresh_members(Replace.as_view())
