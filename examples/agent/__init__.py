"""An agent that acts for several people, on the MCP SDK's own client: it registers itself, or holds a key."""

from examples.agent.agent import Agent, Errand
from examples.agent.keyholder import Identity, KeyholdingAgent

__all__ = ["Agent", "Errand", "Identity", "KeyholdingAgent"]
