"""Who signs in: a person, by an account of their own or by one that a tenant's provider made (0042)."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from kit import identifiers


def _person_id() -> str:
    return identifiers.make("per")


class UserManager(BaseUserManager["User"]):
    def own(self, address: str) -> "User | None":
        """Return the account that is a person's own at an address; none that a tenant's provider made."""
        return self.filter(email=address.strip().lower(), home=None).first()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=username, home=None)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, **fields)


class User(AbstractBaseUser):
    """A person. What a person may do stands in their memberships, one per tenant.

    An account is a person's own, who proved the address; or a tenant's, whose provider alone said who it is.
    """

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_person_id, editable=False)
    email = models.EmailField(db_index=True)
    home = models.ForeignKey(
        "tenants.Tenant",
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        # The constraint's index serves it.
        db_index=False,
        help_text="The tenant whose provider made the account: it opens that one alone. Empty: the person's own.",
    )
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    language = models.CharField(max_length=10, blank=True, help_text="Chosen. Empty: what the browser asks for.")
    browser_language = models.CharField(
        max_length=10, blank=True, help_text="What the browser asked for at the last sign-in: mail has no browser."
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email"], condition=models.Q(home=None), name="one_own_account_per_address"
            ),
            models.UniqueConstraint(fields=["home", "email"], name="one_account_per_home_and_address"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def check_password(self, raw_password: str | None) -> bool:
        # One hash an address, so that the time tells nothing: an account of the person's own was asked already.
        if raw_password is None or (self.home_id is not None and User.objects.own(self.email) is not None):
            return False
        return super().check_password(raw_password)

    @property
    def reads(self) -> str:
        """The language of mail to them, or "" where nobody knows."""
        return self.language or self.browser_language

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff
