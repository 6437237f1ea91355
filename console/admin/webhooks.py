"""Webhooks: who else is told what happens here, what became of each delivery, and once more what was missed."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from console import snippets
from console.access import for_act, principal
from console.admin.resources import version_of
from console.admin.webhook_forms import NewSecret, WebhookForm, as_typed
from console.attempt import attempt
from console.narrowing import narrowing
from console.paging import page
from delegations.sentence import in_words
from notices.errors import StillWaits, SwitchedOff, TooMany
from notices.models import Delivery, Webhook
from notices.webhooks import actions
from notices.webhooks.filters import DeliveryFilter
from tenants.errors import Stale, Unusable
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest

EXAMPLE = {"url": "https://hooks.example.com/remit", "events": ["approval.*", "agent.*"]}
"""A webhook as a program would add it."""


@for_act(Act.WEBHOOKS_READ)
def listing(request: MemberRequest) -> HttpResponse:
    rows = Webhook.objects.order_by("pk")
    snippet = snippets.request(request.tenant, "webhooks", **EXAMPLE)
    return render(request, "console/webhooks.html", {"rows": rows, "snippet": snippet})


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.WEBHOOKS_WRITE)
def add(request: MemberRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made, secret = actions.add_webhook(
                said["url"], said["events"], by=principal(request), description=said["description"]
            )
        except (Unusable, TooMany) as refusal:
            form.add_error(None, str(refusal) or TooMany.__doc__ or "")
        else:
            return _secret(request, made, secret)
    return render(request, "console/add_webhook.html", {"form": form}, status=422 if form.errors else 200)


@for_act(Act.WEBHOOKS_READ)
def one(request: MemberRequest, webhook_id: str) -> HttpResponse:
    return _show(request, _webhook(webhook_id))


@require_POST
@for_act(Act.WEBHOOKS_WRITE)
def change(request: MemberRequest, webhook_id: str) -> HttpResponse:
    webhook, form, version = _webhook(webhook_id), WebhookForm(request.POST), version_of(request)
    if not form.is_valid():
        return _show(request, webhook, form=form, status=422)
    said = {name: form.cleaned_data[name] for name in ("url", "description", "events")}
    refused = attempt(lambda: actions.change_webhook(webhook, by=principal(request), version=version, **said))
    if refused:
        form.add_error(None, refused)
        return _show(request, webhook, form=form, status=422)
    return redirect("console-webhook", webhook_id)


@require_POST
@for_act(Act.WEBHOOKS_WRITE)
def switch(request: MemberRequest, webhook_id: str) -> HttpResponse:
    webhook, is_on = _webhook(webhook_id), request.POST.get("is_on") == "yes"
    refused = attempt(
        lambda: actions.change_webhook(webhook, by=principal(request), version=version_of(request), is_on=is_on)
    )
    return _show(request, webhook, said=refused, status=409) if refused else redirect("console-webhook", webhook_id)


@require_POST
@for_act(Act.WEBHOOKS_WRITE)
def change_secret(request: MemberRequest, webhook_id: str) -> HttpResponse:
    webhook, form, version = _webhook(webhook_id), NewSecret(request.POST), version_of(request)
    if not form.is_valid():
        return _show(request, webhook, secret_form=form, status=422)
    hours = form.cleaned_data["keep_hours"]
    try:
        made, secret = actions.change_secret(webhook, by=principal(request), version=version, keep_hours=hours)
    except Stale:
        return _show(request, webhook, said=_("Somebody changed it while you read. Look again."), status=409)
    return _secret(request, made, secret)


@require_POST
@for_act(Act.WEBHOOKS_WRITE)
def ping(request: MemberRequest, webhook_id: str) -> HttpResponse:
    webhook = _webhook(webhook_id)
    try:
        actions.ping(webhook, by=principal(request), now=timezone.now())
    except SwitchedOff as refusal:
        return _show(request, webhook, said=refusal.__doc__ or "", status=409)
    return redirect("console-webhook", webhook_id)


@require_POST
@for_act(Act.WEBHOOKS_WRITE)
def replay(request: MemberRequest, webhook_id: str, delivery_id: str) -> HttpResponse:
    missed = get_object_or_404(Delivery.objects.select_related("webhook"), webhook=webhook_id, pk=delivery_id)
    try:
        actions.replay(missed, by=principal(request), now=timezone.now())
    except (SwitchedOff, StillWaits) as refusal:
        return _show(request, _webhook(webhook_id), said=refusal.__doc__ or "", status=409)
    return redirect("console-webhook", webhook_id)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.WEBHOOKS_WRITE)
def remove(request: MemberRequest, webhook_id: str) -> HttpResponse:
    webhook = _webhook(webhook_id)
    if request.method != "POST":
        return render(request, "console/remove_webhook.html", {"webhook": webhook})
    actions.remove_webhook(webhook, by=principal(request))
    return redirect("console-webhooks")


def _webhook(webhook_id: str) -> Webhook:
    return get_object_or_404(Webhook, pk=webhook_id)


def _may(request: MemberRequest) -> bool:
    return may(request.member, Act.WEBHOOKS_WRITE)


def _row(delivery: Delivery, request: MemberRequest) -> dict[str, Any]:
    words = partial(in_words, now=timezone.now(), time_zone=request.tenant.time_zone)
    return {
        "delivery": delivery,
        "last": delivery.tries[-1] if delivery.tries else None,
        "when": words(delivery.created_at),
        "again": words(delivery.next_try_at),
    }


def _two_sign(webhook: Webhook) -> bool:
    return webhook.old_secret_until is not None and webhook.old_secret_until > timezone.now()


def _secret(request: MemberRequest, webhook: Webhook, secret: str) -> HttpResponse:
    return render(request, "console/webhook_secret.html", {"webhook": webhook, "secret": secret})


def _show(
    request: MemberRequest,
    webhook: Webhook,
    *,
    form: WebhookForm | None = None,
    secret_form: NewSecret | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    fixed, at = {"webhook": webhook.pk}, reverse("console-webhook", args=[webhook.pk])
    asked = narrowing(request, DeliveryFilter, Delivery.objects.all(), shown=("state", "event"), fixed=fixed, at=at)
    rows, pager = page(request, asked.rows, at=at)
    content: dict[str, Any] = {
        "webhook": webhook,
        "rows": [_row(each, request) for each in rows],
        "narrowing": asked,
        "path": f"webhooks/{webhook.pk}/deliveries",
        "form": form or WebhookForm(as_typed(webhook.url, webhook.description, webhook.events)),
        "secret_form": secret_form or NewSecret(),
        "old_secret_until": webhook.old_secret_until if _two_sign(webhook) else None,
        "may_change": _may(request),
        "said": said,
    }
    return render(request, "console/webhook.html", {**content, **pager}, status=status)
