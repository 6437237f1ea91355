"""Agents that act for several people, on the MCP SDK's own client: one registers itself, one holds a key, some work for
each other, and one works at another company; and a job that acts for itself.
"""

from examples.agent.agent import Agent, Errand, Work
from examples.agent.crossing import Company, CrossingAgent, SignedIn
from examples.agent.exchange import Credentials, Refused, exchange, post_call
from examples.agent.job import ask_as_job
from examples.agent.keyholder import Identity, KeyholdingAgent
from examples.agent.orchestrator import Orchestrator
from examples.agent.subagent import Part, SubAgent

__all__ = [
    "Agent",
    "Company",
    "Credentials",
    "CrossingAgent",
    "Errand",
    "Identity",
    "KeyholdingAgent",
    "Orchestrator",
    "Part",
    "Refused",
    "SignedIn",
    "SubAgent",
    "Work",
    "ask_as_job",
    "exchange",
    "post_call",
]
