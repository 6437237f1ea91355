"""`/device_authorization` (RFC 8628 §3.1, §3.2): a device asks, and gets one code for itself and one for a person.

What it asks for is understood as at `/authorize`; nothing is shown or allowed before a person typed the code in.
"""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from agents.authentication import authenticate
from agents.models import Agent
from audit.events import Event
from kit.oauth import GrantType, OutsideNetworks, Unadmitted, UnauthorizedClient
from tenants.models import Tenant
from tenants.rules import takes_device_codes
from tokens import device
from tokens.asking import understand_device
from tokens.device import Origin
from tokens.endpoints import door, throttle
from tokens.endpoints.door import Received, Visit, read_form
from tokens.endpoints.request import TenantRequest


def view(request: TenantRequest) -> HttpResponse:
    if request.tenant.device_codes == Tenant.Devices.OFF:
        return JsonResponse({"error": "not_found"}, status=404)
    if _is_too_often(request):
        content = {"error": "temporarily_unavailable", "error_description": "Too many device requests from here."}
        return JsonResponse(content, status=429, headers={"Retry-After": "60", "Cache-Control": "no-store"})
    return door.as_http(door.respond(room, door.received(request)))


def room(request: Received, visit: Visit) -> Mapping[str, object]:
    """Return both codes; raises OAuthError."""
    form = visit.form = read_form(request)
    visit.event, visit.room = Event.AUTHORIZATION_REFUSED, "client"
    # What is kept of the client may be seconds old: the page and the mint ask again.
    client = visit.client = authenticate(request.authorization, form, evidence=visit.evidence)
    visit.room = "grant"
    if not client.allows_grant_type(GrantType.DEVICE_CODE):
        raise UnauthorizedClient(f"{client.client_id} registered no {GrantType.DEVICE_CODE}")
    visit.room = "agent"
    if client.agent is not None and client.agent.waits(timezone.now()):
        raise Unadmitted(f"{client.agent.pk} waits for an admin", page=f"{request.tenant.issuer}/who-decides")
    if client.agent is not None and client.agent.status != Agent.Status.ACTIVE:
        raise UnauthorizedClient(f"{client.agent.pk} is {client.agent.status}")
    # Whoever starts a code outside has it typed in inside (the attack that RFC 8628 §5.4 warns of).
    if not takes_device_codes(request.tenant, request.address):
        raise OutsideNetworks(f"started from {request.address}")
    visit.room = "resource"
    asked = understand_device(request.tenant, client, form)
    started = device.start(asked, Origin.of(request.address, request.user_agent), now=timezone.now())
    page = f"{request.tenant.issuer}/device"
    return {
        "device_code": started.device_code,
        "user_code": started.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={started.user_code}",
        "expires_in": int(device.LIFE.total_seconds()),
        "interval": device.INTERVAL,
    }


def _is_too_often(request: TenantRequest) -> bool:
    """Count requests per tenant and address in the current minute: each leaves a row behind."""
    key = f"{request.tenant.pk}:devices:{request.META.get('REMOTE_ADDR', '')}"
    return not throttle.count(key, limit=settings.DEVICE_REQUESTS_PER_MINUTE, seconds=60)
