"""Trying what a person asked for, and what they read where it cannot be."""

from collections.abc import Callable

from django.db.models import Model
from django.utils.translation import gettext, gettext_lazy

from agents.errors import AgentError, NameTaken
from agents.errors import NotActive as AgentNotActive
from audit import ledger
from tenants.errors import IdentifierTaken, NotActive, Stale, TenantError
from trust.errors import IssuerKnown, TrustError

UNTRUSTED = gettext_lazy("Its issuer is not trusted any more. Restore the issuer first.")
OVER, THERE = gettext_lazy("It is over already."), gettext_lazy("It is there already.")


def attempt(verb: Callable[[], object], *, but: type[Exception] | tuple[()] = ()) -> str:
    """Do it; return "" or the words of the refusal. What the caller says itself (`but`) is raised."""
    try:
        verb()
    except but:
        raise
    except Stale as error:
        return who_was_first(error.args[0])
    except (NotActive, AgentNotActive):
        return str(OVER)
    except (IdentifierTaken, IssuerKnown, NameTaken):
        return str(THERE)
    except (TenantError, TrustError, AgentError) as error:
        return str(error)
    return ""


def who_was_first(row: Model) -> str:
    """Return who changed something while somebody read it, and when."""
    entry = ledger.latest_about(row._meta.model_name or "", str(row.pk))
    if entry is None:
        return gettext("It changed while you read. Look again.")
    facts = {"person": entry.principal_label or entry.principal_id, "time": f"{entry.at:%H:%M:%S}"}
    return gettext("%(person)s changed it at %(time)s UTC, while you read.") % facts
