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
├── NotRenewable        no person can allow it anew: it is over, has no end, or is not theirs
├── AskedToday          its person was asked to renew it within a day
├── NoWayThere          no edge leads from the parent's resource to that one
├── IssuerRemoved       it came through an issuer that was removed: nobody makes it anew meanwhile
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


class NotRenewable(DelegationError):
    """Only what a person allowed, and what has an end and is not over, can be renewed."""


class AskedToday(DelegationError):
    """They were asked within a day. Give them time to read it."""


class IssuerRemoved(DelegationError):
    """Its issuer is not trusted any more. Restore the issuer first."""


class TooLateToUndo(DelegationError):
    pass
