"""What answers outside of every tenant."""

from django.urls import path
from django.views.generic import TemplateView

from remit import health

urlpatterns = [
    path("", TemplateView.as_view(template_name="welcome.html"), name="welcome"),
    path("livez", health.livez),
    path("readyz", health.readyz),
]
