"""What `make demo` plays: the same person, two agents that introduce themselves, some that work for each other, and one
that works at another company; and a CI job.
"""

from examples.plays.fifth import FifthPlay
from examples.plays.first import FirstPlay
from examples.plays.fourth import FourthPlay
from examples.plays.second import SecondPlay
from examples.plays.third import ThirdPlay

__all__ = ["FifthPlay", "FirstPlay", "FourthPlay", "SecondPlay", "ThirdPlay"]
