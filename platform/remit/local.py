"""What a clone needs to run by itself: secrets of its own, in `var/`, readable by its owner only."""

import os
import secrets
from pathlib import Path

NAMES = {"REMIT_SECRET_KEY": 60, "REMIT_SEALING_KEYS": 32}


def ensure_secrets(folder: Path) -> None:
    """Put secrets that the environment lacks into files, made once, and name the files in the environment."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "static").mkdir(exist_ok=True)
    for name, size in NAMES.items():
        if name in os.environ or f"{name}_FILE" in os.environ:
            continue
        path = folder / name.lower().removeprefix("remit_")
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(size))
        os.environ[f"{name}_FILE"] = str(path)


def _write_once(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
