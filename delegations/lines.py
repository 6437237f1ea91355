"""The line that a delegation hangs on, held still while something is made of it."""

from collections.abc import Sequence

from delegations.models import READ, Ancestry, Delegation
from kit import context, statements

MOST_OF_A_CHAIN = 500


def hold(line: Sequence[Delegation]) -> tuple[Delegation, ...]:
    """Return delegations that hang on each other, the nearest first, as they are at this moment, and keep them so
    until the caller's commit.

    They are held from the top down, as whoever makes one smaller holds what is below it (`delegations.narrowing`): so
    none of those who wait waits for somebody who waits for it.
    """
    if not line:
        return ()
    text = (
        f"SELECT {READ.listed('d')} FROM delegations_delegation d "
        f"WHERE d.tenant_id = %s AND d.id IN ({', '.join(['%s'] * len(line))}) ORDER BY d.depth"
    )
    if statements.is_postgresql():
        text += " FOR SHARE OF d"
    found = statements.every(text, [context.require_id(), *(each.pk for each in line)])
    return tuple(reversed([READ.read(row) for row in found]))


def moved(line: Sequence[Delegation], held: Sequence[Delegation]) -> bool:
    """Say whether something of a line changed between two readings of it."""
    return [(each.pk, each.version) for each in line] != [(each.pk, each.version) for each in held]


def chain_of(delegation_id: str) -> set[str]:
    """Return the ids of what a delegation of the current tenant hangs on, and of what hangs on it: MOST_OF_A_CHAIN."""
    above = Ancestry.objects.filter(delegation=delegation_id).values_list("ancestor_id", flat=True)
    below = Ancestry.objects.filter(ancestor=delegation_id).values_list("delegation_id", flat=True)
    return set(above.union(below)[:MOST_OF_A_CHAIN])
