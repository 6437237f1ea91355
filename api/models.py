"""What this door remembers: the answers to requests that said an Idempotency-Key."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from kit import identifiers
from tenants.scoping import TenantScoped


def _answer_id() -> str:
    return identifiers.make("ans")


class KeptAnswer(TenantScoped):
    """One request of one caller, named by its key: being answered (no body yet), or answered.

    Key and request are kept as digests, the answer is sealed: it may hold a secret that is shown once.
    """

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_answer_id, editable=False)
    caller = models.CharField(max_length=255)
    key = models.CharField(max_length=64)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    sealed = models.TextField(blank=True)
    taken_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant", "caller", "key"], name="one_answer_of_a_key")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["tenant", "expires_at"], name="answer_due")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key[:8]}"
