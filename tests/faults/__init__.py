"""Processes that die, databases that go away, clocks that jump; and a checker that reads what was answered."""
