"""What answers outside of every tenant."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, path
from django.views.generic import TemplateView

from remit import doorstep, health, operators, outages
from tokens.endpoints import too_often

handler500 = outages.handler500
handler429 = too_often.handler429
urlpatterns: list[URLPattern | URLResolver] = [
    path("", TemplateView.as_view(template_name="welcome.html"), name="welcome"),
    path("t/", doorstep.view, name="tenants"),
    path("t", doorstep.without_slash),
    path("livez", health.livez),
    path("readyz", health.readyz),
]
if settings.OPERATORS_PATH:
    urlpatterns.append(path(f"{settings.OPERATORS_PATH}/", operators.site.urls))
