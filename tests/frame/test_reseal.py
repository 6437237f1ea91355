"""A new sealing key takes over what an old one sealed, row by row, while everybody works."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from agents.models import Client
from agents.registration import vouching
from audit.principals import SYSTEM
from console.entrance.factors import Factors
from kit import context, sealing
from notices.models import Webhook
from notices.webhooks import actions as webhooks
from remit import resealing
from tenants import sign_ins
from tenants.models import Tenant
from tenants.scoping import scoped_models
from tests.harness import crowd
from tests.harness.domains import Foreign, trust_foreign
from tokens import keys, rotation
from tokens.models import Deferral, SigningKey
from trust import providers
from trust.models import IdentityProvider

pytestmark = pytest.mark.walks

NEW = b"another sealing key of 32 bytes!"


@pytest.fixture
def sealed(world, settings):
    """A tenant alone in the database, with one of each thing that is sealed; the old sealing key."""
    for model, field in (resealing._KEY, *resealing._FIELDS):
        model.unscoped.using(settings.OPERATOR_ALIAS).exclude(tenant=world.tenant).update(**{field: ""})
    Authenticator.objects.all().delete()
    user = world.people["alice"].user
    Authenticator.objects.create(user=user, type="totp", data={"secret": Factors().encrypt("a secret")})
    seed = {"seed": Factors().encrypt("a seed"), "used_mask": 5}
    Authenticator.objects.create(user=user, type="recovery_codes", data=seed)
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        client = world.public_client().client
        Client.objects.filter(pk=client.pk).update(software_statement=vouching.sealed("a statement"))
        frozen, place = (sealing.seal(words, settings.SEALING_KEYS) for words in (b"{}", b"a place"))
        Deferral.objects.create(
            code=world.tenant.slug, client=client, agent=client.agent, request=frozen, callback=place,
            poll_seconds=5, expires=timezone.now(),
        )  # fmt: skip
        webhook, _ = webhooks.add_webhook("https://hooks.example.com/", ["agent.*"], by=SYSTEM)
        webhooks.change_secret(webhook, by=SYSTEM)
        issuer = trust_foreign(world, Foreign(), purposes=["sign_in"])
        providers.set_provider(issuer, by=SYSTEM, client_id="remit", client_secret="a provider's secret")
        sign_ins.keep(world.people["alice"], "a session's key", user_agent="", address="")
    old = settings.SEALING_KEYS[0]
    settings.SEALING_KEYS = [NEW, old]
    yield old
    Tenant.objects.update(status=Tenant.Status.DELETED)
    Authenticator.objects.all().delete()


def said():
    out = StringIO()
    call_command("keys", "reseal", stdout=out)
    return out.getvalue().splitlines()[-1].split("\r")[-1]


def signed(world):
    keys.forget_all()
    with context.use(world.tenant):
        return [keys.sign({"sub": "x"}, typ="at+jwt", algorithm=algorithm) for algorithm in keys.ALGORITHMS]


def test_after_it_ran_the_old_key_may_go(world, sealed, settings):
    assert said() == "13 of 13 sealed anew, 0 left"
    settings.SEALING_KEYS = [NEW]
    assert all(signed(world))
    factors = {each.type: each.data for each in Authenticator.objects.all()}
    assert Factors().decrypt(factors["totp"]["secret"]) == "a secret"
    assert Factors().decrypt(factors["recovery_codes"]["seed"]) == "a seed"
    assert factors["recovery_codes"]["used_mask"] == 5
    with context.use(world.tenant):
        assert vouching.opened(Client.objects.exclude(software_statement="").get()) == "a statement"
        assert providers.secret_of(IdentityProvider.objects.get()) == "a provider's secret"
        assert len(set(webhooks.secrets_of(Webhook.objects.get(), timezone.now()))) == 2
        assert sealing.unseal(Deferral.objects.get().callback, settings.SEALING_KEYS) == b"a place"
    assert len(world.entries("key.resealed")) == 4


def test_there_is_nothing_sealed_that_a_run_would_leave_behind(world, sealed):
    """Whatever stands sealed in any column here is found by the run; a new such column joins `sealed` and the run."""
    found = set()
    with context.use(world.tenant):
        for model in scoped_models():
            for column in model._meta.get_fields():
                if isinstance(column, models.CharField | models.TextField):
                    rows = model._default_manager.filter(**{f"{column.name}__startswith": sealing.prefix(sealed)})
                    found |= {(model, column.name)} if rows.exists() else set()
    assert found == {(SigningKey, "sealed_private"), *resealing._FIELDS}


def test_a_run_that_was_stopped_is_gone_on_with_and_one_that_is_done_does_nothing(world, sealed):
    run = resealing.reseal()
    assert [next(run).done for _ in range(3)] == [1, 2, 3]
    run.close()
    assert resealing.count_due() == 10
    assert all(signed(world))
    assert said() == "10 of 10 sealed anew, 0 left"
    before = [key.sealed_private for key in _keys(world)]
    assert said() == "0 of 0 sealed anew, 0 left"
    assert [key.sealed_private for key in _keys(world)] == before
    assert len(world.entries("key.resealed")) == 4


def test_two_at_once_seal_everything_once(world, sealed):
    crowd.at_once(2, lambda _: list(resealing.reseal()))
    assert resealing.count_due() == 0
    assert len(world.entries("key.resealed")) == 4
    assert all(signed(world))


def test_what_cannot_be_opened_is_counted_and_left_as_it_is(world, sealed, settings):
    settings.SEALING_KEYS = [NEW]
    before = [key.sealed_private for key in _keys(world)]
    with pytest.raises(CommandError, match="13 cannot be opened"):
        said()
    assert [key.sealed_private for key in _keys(world)] == before


def test_a_key_that_was_destroyed_meanwhile_stays_destroyed(world, sealed):
    (key, *_) = _keys(world)
    assert sealing.unseal(key.sealed_private, [sealed])
    world.rewrite(key, status="destroyed", sealed_private="")
    with context.use(world.tenant):
        assert resealing._key(key)
    assert _keys(world)[0].sealed_private == ""
    assert not world.entries("key.resealed")


def _keys(world):
    with context.use(world.tenant):
        return list(SigningKey.objects.order_by("pk"))
