"""Shared fixtures: the public corpora where they are at hand."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the public corpora (`POLYSPAN_DATA`); tests that need it skip where it is missing."""
    folder = Path(os.environ.get("POLYSPAN_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}: set POLYSPAN_DATA")
    return folder
