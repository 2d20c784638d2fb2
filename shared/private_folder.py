"""The data folder holds names, mails and the signing key: it is its owner's alone."""

from __future__ import annotations

import stat
from pathlib import Path

OURS = ("run.lock", "secret.key", "store.db", "clock.offset")  # any of these tells a folder of onestop's


def private_folder(path: Path) -> bool:
    """Make the folder with mode 0700, or give that mode to one of onestop's own.

    Returns False for a folder that others may enter and that holds other things: it is left as it is (it may be
    ``/tmp``, or somebody's home). Raises ``OSError`` where the folder can neither be made nor changed.
    """
    path.mkdir(0o700, parents=True, exist_ok=True)
    mode = path.stat().st_mode
    if not mode & 0o077:
        return True
    is_ours = any((path / name).exists() for name in OURS) or not any(path.iterdir())
    if mode & stat.S_ISVTX or not is_ours:
        return False
    path.chmod(0o700)  # changes nothing on a file system that keeps no modes
    return True
