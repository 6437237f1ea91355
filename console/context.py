"""What every page knows: the tenant, and the member who is signed in."""

from django.http import HttpRequest


def tenant_and_member(request: HttpRequest) -> dict[str, object]:
    return {"tenant": getattr(request, "tenant", None), "member": getattr(request, "member", None)}
