"""Making sure that a file's name is on disk, not only what is in the file."""

from __future__ import annotations

import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Wait until the names in it are on disk: without that a power cut may undo a rename.

    Raises OSError.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
