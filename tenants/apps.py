from django.apps import AppConfig
from django.db.models import Q

from audit import naming


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        # Models are there only once all apps are.
        from tenants.filters import called
        from tenants.models import Membership, ResourceServer  # As above.

        naming.FINDERS["person"] = lambda words: Membership.objects.filter(
            Q(user__name__icontains=words) | Q(user__email__icontains=words)
        ).values("pk")
        naming.FINDERS["resource"] = lambda words: ResourceServer.objects.filter(called(words)).values("pk")
