"""What stands for a name where there is no picture."""


def initials(name: str) -> str:
    """Return up to two letters that stand for a name in a mark."""
    words = [word for word in name.replace("-", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"
