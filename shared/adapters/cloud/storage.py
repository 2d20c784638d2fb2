"""Attachments and exports in one Cloud Storage bucket."""

from __future__ import annotations

from typing import Any

from google.api_core.exceptions import NotFound

from shared.adapters.cloud.calls import ONCE, ask, each_process
from shared.ports import check_file_name


class BucketFiles:
    """``shared.ports.Files`` in a bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = each_process(lambda: _open(bucket))

    def write(self, name: str, content: bytes, media_type: str) -> None:
        blob = self._blob(name)
        ask(
            lambda timeout: blob.upload_from_string(content, media_type, retry=ONCE, timeout=timeout, checksum="crc32c")
        )

    def read(self, name: str) -> tuple[bytes, str] | None:
        blob = self._blob(name)
        try:
            content = ask(lambda timeout: blob.download_as_bytes(retry=ONCE, timeout=timeout))
        except NotFound:
            return None
        return content, str(blob.content_type)  # the download's headers told it

    def delete(self, name: str) -> None:
        blob = self._blob(name)
        try:
            ask(lambda timeout: blob.delete(retry=ONCE, timeout=timeout))
        except NotFound:
            return

    def _blob(self, name: str) -> Any:
        check_file_name(name)
        return self._bucket().blob(name)


def _open(bucket: str) -> Any:
    from google.cloud import storage  # slow to import, and few functions have files

    return storage.Client().bucket(bucket)  # type: ignore[no-untyped-call]
