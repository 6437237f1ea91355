"""Agents that act for several people, on the MCP SDK's own client: one registers itself, one holds a key, and some work
for each other.
"""

from examples.agent.agent import Agent, Errand
from examples.agent.exchange import Credentials, Refused, exchange, post_call
from examples.agent.keyholder import Identity, KeyholdingAgent
from examples.agent.orchestrator import Orchestrator
from examples.agent.subagent import Part, SubAgent

__all__ = [
    "Agent",
    "Credentials",
    "Errand",
    "Identity",
    "KeyholdingAgent",
    "Orchestrator",
    "Part",
    "Refused",
    "SubAgent",
    "exchange",
    "post_call",
]
