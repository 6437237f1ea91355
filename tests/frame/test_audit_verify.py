"""Somebody with a superuser's hands changes the ledger: the chain breaks there, and the verifier says where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from audit import ledger
from audit.models import Entry, Seal
from tests.harness import vandal

pytestmark = pytest.mark.walks

OPERATOR = settings.OPERATOR_ALIAS
ROOT = Path(__file__).resolve().parents[2]
COLUMNS = [field.column for field in Entry._meta.concrete_fields if field.column not in {"id", "tenant_id"}]

CHANGED = {"detail": "'{\"x\": 1}'", "at": "'2020-01-01 00:00:00'", "proved_at": "'2020-01-01 00:00:00'"}


@pytest.fixture
def sealed(world):
    """A tenant whose entries are all sealed; its ledger is gone afterwards, so that a whole database verifies."""
    ledger.seal(world.tenant.pk, using=OPERATOR)
    yield world
    for table in ("audit_seal", "audit_entry"):
        vandal.run(f"DELETE FROM {table} WHERE tenant_id = '{world.tenant.pk}'")


def _seal(world, sequence):
    return Seal.unscoped.using(OPERATOR).get(tenant_id=world.tenant.pk, sequence=sequence)


def _verify(world):
    return ledger.verify(world.tenant.pk, using=OPERATOR)


def _audit_verify():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "remit.settings"}
    command = [sys.executable, "manage.py", "audit", "verify"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_is_found(sealed, column):
    seal = _seal(sealed, 3)
    value = CHANGED.get(column, "'changed'")
    vandal.run(f"UPDATE audit_entry SET {column} = {value} WHERE id = '{seal.entry_id}'")
    assert _verify(sealed) == ledger.Finding(2, 0, 3, f"entry {seal.entry_id} was changed")


def test_an_entry_that_was_deleted_is_missed(sealed):
    seal = _seal(sealed, 2)
    vandal.run(f"DELETE FROM audit_entry WHERE id = '{seal.entry_id}'")
    assert _verify(sealed) == ledger.Finding(1, 0, 2, f"entry {seal.entry_id} is gone")


def test_an_entry_that_was_given_to_another_tenant_is_missed(sealed, elsewhere):
    seal = _seal(sealed, 2)
    vandal.run(f"UPDATE audit_entry SET tenant_id = '{elsewhere.tenant.pk}' WHERE id = '{seal.entry_id}'")
    assert _verify(sealed).broken_at == 2
    vandal.run(f"DELETE FROM audit_entry WHERE id = '{seal.entry_id}'")


@pytest.mark.parametrize("sequence", [1, 2])
def test_a_seal_that_was_removed_is_missed(sealed, sequence):
    vandal.run(f"DELETE FROM audit_seal WHERE id = {_seal(sealed, sequence).pk}")
    assert _verify(sealed) == ledger.Finding(sequence - 1, 0, sequence, "a seal is missing")


def test_seals_that_were_removed_and_counted_anew_do_not_hold(sealed):
    first = _seal(sealed, 1)
    vandal.run(
        f"DELETE FROM audit_seal WHERE id = {first.pk}",
        f"UPDATE audit_seal SET sequence = -sequence WHERE tenant_id = '{sealed.tenant.pk}'",
        f"UPDATE audit_seal SET sequence = -sequence - 1 WHERE tenant_id = '{sealed.tenant.pk}'",
    )
    assert _verify(sealed).broken_at == 1


def test_two_entries_that_changed_places_are_found(sealed):
    one, two = _seal(sealed, 2), _seal(sealed, 3)
    vandal.run(
        f"UPDATE audit_seal SET entry_id = 'aside' WHERE id = {one.pk}",
        f"UPDATE audit_seal SET entry_id = '{one.entry_id}' WHERE id = {two.pk}",
        f"UPDATE audit_seal SET entry_id = '{two.entry_id}' WHERE id = {one.pk}",
    )
    assert _verify(sealed).broken_at == 2


def test_a_digest_that_was_rewritten_does_not_hold(sealed):
    vandal.run(f"UPDATE audit_seal SET digest = '{'0' * 64}' WHERE id = {_seal(sealed, 2).pk}")
    assert _verify(sealed).broken_at == 2


def test_an_entry_that_was_slipped_in_is_at_the_tail_and_never_in_the_middle(sealed):
    before = _verify(sealed)
    columns = ", ".join(["tenant_id", *COLUMNS])
    first = f"audit_entry WHERE id = '{_seal(sealed, 1).entry_id}'"
    vandal.run(f"INSERT INTO audit_entry (id, {columns}) SELECT 'evt_0', {columns} FROM {first}")
    assert _verify(sealed) == ledger.Finding(before.sealed, before.unsealed + 1)


def test_the_last_seal_that_was_removed_shows_as_an_unsealed_tail(sealed):
    """What a chain alone cannot tell from a late sealer: compare the count with a checkpoint kept elsewhere."""
    before = _verify(sealed)
    vandal.run(f"DELETE FROM audit_seal WHERE id = {_seal(sealed, before.sealed).pk}")
    assert _verify(sealed) == ledger.Finding(before.sealed - 1, before.unsealed + 1)


def test_nothing_is_sealed_over_a_break(sealed):
    seal = _seal(sealed, 2)
    vandal.run(f"UPDATE audit_entry SET reason = 'changed' WHERE id = '{seal.entry_id}'")
    sealed.worker()
    ledger.seal(sealed.tenant.pk, using=OPERATOR)
    assert _verify(sealed).broken_at == 2


def test_a_broken_chain_says_nothing_about_a_neighbours(sealed, elsewhere):
    ledger.seal(elsewhere.tenant.pk, using=OPERATOR)
    vandal.run(f"DELETE FROM audit_entry WHERE id = '{_seal(sealed, 1).entry_id}'")
    assert _verify(sealed).broken_at == 1
    assert _verify(elsewhere).broken_at is None


# --- the command


def test_the_command_says_what_holds_and_ends_well(sealed):
    done = _audit_verify()
    assert done.returncode == 0, done.stderr
    assert f"{sealed.tenant.pk}: {_verify(sealed).sealed} sealed, 0 not sealed yet" in done.stdout


def test_the_command_names_the_tenant_and_the_first_break_and_ends_with_1(sealed):
    seal = _seal(sealed, 2)
    vandal.run(f"DELETE FROM audit_entry WHERE id = '{seal.entry_id}'")
    done = _audit_verify()
    assert done.returncode == 1
    assert f"{sealed.tenant.pk}: BROKEN at 2: entry {seal.entry_id} is gone" in done.stdout
    assert "1 chain(s) are broken" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_knows_no_other_verb(capsys):
    with pytest.raises(CommandError):
        call_command("audit", "repair")
