"""What `make demo` plays: the same person, and two agents that introduce themselves in two ways."""

from examples.plays.first import FirstPlay
from examples.plays.second import SecondPlay

__all__ = ["FirstPlay", "SecondPlay"]
