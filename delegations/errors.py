"""Refusals of this app.

DelegationError
├── DelegationOver      it ended or expired
├── DelegationMoved     it, or what it hangs on, changed since it was read
├── DelegationWidened   more was asked than the parent holds, or than there is
├── NothingLeft         so little would be left that it has to be ended instead
├── AsItWas             it is as small as that already
├── NotHandedOn         it may not be handed to that agent: nobody named it, too deep, or in a circle
├── StaysEnded          somebody ended it, and nobody has said otherwise since
├── AlreadyDecided      the request was decided before
├── NoWayThere          no edge leads from the parent's resource to that one
└── TooLateToUndo       ten minutes are over, or somebody else ended it or changed it since
"""


class DelegationError(Exception):
    """An expected no."""


class DelegationOver(DelegationError):
    pass


class DelegationMoved(DelegationError):
    pass


class DelegationWidened(DelegationError):
    pass


class NothingLeft(DelegationError):
    pass


class AsItWas(DelegationError):
    pass


class NotHandedOn(DelegationError):
    pass


class StaysEnded(DelegationError):
    pass


class NoWayThere(DelegationError):
    pass


class AlreadyDecided(DelegationError):
    pass


class TooLateToUndo(DelegationError):
    pass
