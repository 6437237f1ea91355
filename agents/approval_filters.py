"""How lists of questions about agents are narrowed, on pages and in the API alike."""

import django_filters
from django.utils.translation import gettext_lazy as _

from agents.models import Approval


class ApprovalFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(
        choices=Approval.Status.choices, label=_("Status"), empty_label=_("Any status")
    )
    kind = django_filters.ChoiceFilter(choices=Approval.Kind.choices, label=_("Kind"), empty_label=_("Any kind"))
    agent = django_filters.CharFilter(field_name="agent_id", label=_("Agent"))

    class Meta:
        model = Approval
        fields: list[str] = []
