"""Files in a folder: the content, and its media type beside it."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from shared.ports import check_file_name


class FolderFiles:
    """``shared.ports.Files`` below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, content: bytes, media_type: str) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, data in ((path.with_suffix(".type"), media_type.encode()), (path, content)):
            with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
                draft.write(data)
                draft.flush()
                os.fsync(draft.fileno())
            os.replace(draft.name, target)  # a reader sees all of it or nothing

    def read(self, name: str) -> tuple[bytes, str] | None:
        path = self._path(name)
        try:
            return path.read_bytes(), path.with_suffix(".type").read_text()
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        for path in (self._path(name), self._path(name).with_suffix(".type")):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        check_file_name(name)
        return self._root / name
