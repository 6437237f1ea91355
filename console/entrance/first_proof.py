"""What somebody proves before a second factor is asked for: a password, or what their company's sign-in says."""

from typing import Literal

from console.entrance.company import way_again
from tenants.models import Membership

FirstProof = Literal["password", "company", "none"]


def first_proof(member: Membership) -> FirstProof:
    """Return what a person begins a sign-in with here; whoever has a passkey alone begins, and ends, with that."""
    if member.user.has_usable_password():
        return "password"
    return "company" if way_again(member) else "none"
