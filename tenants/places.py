"""In which tenants a person has a place: the one question of a page that is asked across tenants."""

from django.conf import settings

from tenants.models import Membership, Tenant


def places_of(member: Membership) -> list[Membership]:
    """Return a person's open places everywhere, this one among them, by the names of the tenants.

    Asked as the operator, because no tenant may ask it; the person alone is told.
    """
    active = Membership.unscoped.using(settings.OPERATOR_ALIAS).filter(
        user=member.user_id, status=Membership.Status.ACTIVE, tenant__status=Tenant.Status.ACTIVE
    )
    return list(active.select_related("tenant").order_by("tenant__name", "pk"))
