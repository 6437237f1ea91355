"""Where the agent with a key publishes what it says of itself: two JSON documents over https, on this computer."""

from examples.publisher.site import Site, publishing

__all__ = ["Site", "publishing"]
