"""An agent that acts for several people, on the MCP SDK's own client."""

from examples.agent.agent import Agent, Errand

__all__ = ["Agent", "Errand"]
