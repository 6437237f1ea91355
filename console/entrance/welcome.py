"""The tenant's front door: on to one's own page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from console.access import for_members


@for_members
def view(request: HttpRequest) -> HttpResponse:
    return redirect("my-agents")
