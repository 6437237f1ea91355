"""What `make demo` plays: the same person, two agents that introduce themselves, and some that work for each other."""

from examples.plays.first import FirstPlay
from examples.plays.second import SecondPlay
from examples.plays.third import ThirdPlay

__all__ = ["FirstPlay", "SecondPlay", "ThirdPlay"]
