"""What narrows the list of deliveries, on the page and over the API alike."""

import django_filters
from django.utils.translation import gettext_lazy as _

from notices.models import Delivery


class DeliveryFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        choices=Delivery.State.choices, label=_("What became of it"), empty_label=_("Anything")
    )
    webhook = django_filters.CharFilter(field_name="webhook_id", label=_("Webhook"))
    event = django_filters.CharFilter(label=_("Event"))

    class Meta:
        model = Delivery
        fields: list[str] = []
