"""Who types a command, for what is recorded of a decision."""

from __future__ import annotations

import os
from collections.abc import Mapping


def system_user(environ: Mapping[str, str]) -> str:
    """The user of the system, and on whose behalf `sudo` made them so."""
    import pwd

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    behind = environ.get("SUDO_USER")
    return f"{behind} as {user}" if behind and behind != user else user
