"""What narrows a list of keys, in the console and over the API alike."""

import django_filters

from tokens.models import SigningKey


class KeyFilter(django_filters.FilterSet):
    algorithm = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=SigningKey.Status.choices)

    class Meta:
        model = SigningKey
        fields = ["algorithm", "status"]
