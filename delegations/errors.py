"""Refusals of this app.

DelegationError
├── DelegationOver      it ended or expired
├── DelegationWidened   more was asked than the parent holds
├── NotHandedOn         it may not be handed to that agent: nobody named it, too deep, or in a circle
├── AlreadyDecided      the request was decided before
├── NoWayThere          no edge leads from the parent's resource to that one
└── TooLateToUndo       ten minutes are over, or somebody else ended it
"""


class DelegationError(Exception):
    """An expected no."""


class DelegationOver(DelegationError):
    pass


class DelegationWidened(DelegationError):
    pass


class NotHandedOn(DelegationError):
    pass


class NoWayThere(DelegationError):
    pass


class AlreadyDecided(DelegationError):
    pass


class TooLateToUndo(DelegationError):
    pass
