"""The product's own settings, of a version that brings a migration of the tables that every request writes to."""

from remit.settings import *  # noqa: F403 - all of them

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.growth"]  # noqa: F405
