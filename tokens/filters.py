"""What narrows a list of keys, and one of tokens, in the console and over the API alike."""

import django_filters

from tokens.models import AccessToken, SigningKey


class KeyFilter(django_filters.FilterSet):
    algorithm = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=SigningKey.Status.choices)

    class Meta:
        model = SigningKey
        fields = ["algorithm", "status"]


class TokenFilter(django_filters.FilterSet):
    agent = django_filters.CharFilter(field_name="delegation__agent_id")

    class Meta:
        model = AccessToken
        fields: list[str] = []
