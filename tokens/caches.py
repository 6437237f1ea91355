"""What the hot path keeps in process: dropped after `Stale`, and by tests."""

from agents import directory as agents_directory
from agents.models import Client
from tenants import directory as tenants_directory
from tenants.models import Tenant
from tokens import askers, fetchers, keys
from tokens.formats import access_token
from tokens.grants import client_credentials
from trust import directory as trust_directory
from trust import keys as issuers_keys


def forget(tenant: Tenant, client: Client | None) -> None:
    """Drop what this process keeps of one tenant and client; the current tenant is `tenant`."""
    tenants_directory.forget(tenant)
    agents_directory.forget_handovers()
    if client is not None:
        agents_directory.forget(client.client_id)
        client_credentials.forget(tenant, client)


def forget_all() -> None:
    """Drop what this process keeps."""
    tenants_directory.forget_all()
    agents_directory.forget_all()
    trust_directory.forget_all()
    issuers_keys.forget_all()
    keys.forget_all()
    askers.forget_all()
    fetchers.forget_all()
    access_token.forget_all()
    client_credentials.forget_all()
