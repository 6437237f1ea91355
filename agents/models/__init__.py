"""The software that acts (Agent), how it speaks OAuth (Client), and what ties it to other domains."""

from agents.models.across import AssertionRule, FederatedCredential, NameElsewhere
from agents.models.agent import Agent, CoOwner, Handover
from agents.models.approval import Approval, Plea, Remark
from agents.models.client import Client, UsedAssertion
from agents.models.credential import CredentialStory
from agents.models.registration import Logo
from agents.models.registration_token import RegistrationToken

__all__ = [
    "Agent",
    "Approval",
    "AssertionRule",
    "Client",
    "CoOwner",
    "CredentialStory",
    "FederatedCredential",
    "Handover",
    "Logo",
    "NameElsewhere",
    "Plea",
    "RegistrationToken",
    "Remark",
    "UsedAssertion",
]
