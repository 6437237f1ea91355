"""Refusals of this app.

DelegationError
├── DelegationOver      it ended or expired
├── DelegationWidened   more was asked than the parent holds
├── AlreadyDecided      the request was decided before
└── TooLateToUndo       ten minutes are over, or somebody else ended it
"""


class DelegationError(Exception):
    """An expected no."""


class DelegationOver(DelegationError):
    pass


class DelegationWidened(DelegationError):
    pass


class AlreadyDecided(DelegationError):
    pass


class TooLateToUndo(DelegationError):
    pass
