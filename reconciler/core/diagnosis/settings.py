"""What `doctor` says of settings and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.core.diagnosis.finding import Finding, Level, Name, advice, unusable


class SettingsFacts(Struct, frozen=True, kw_only=True):
    """What the settings are made of."""

    file: str | None
    shadowed: tuple[str, ...]
    sources: Mapping[str, str]
    """Where each setting comes from, by its key."""


class KeyFacts(Struct, frozen=True, kw_only=True):
    """One key, without the key."""

    variable: str
    source: str | None
    """Where it is taken from; None where it is not set."""
    ineffective: tuple[str, ...] = ()
    """Other places that have one, which is not taken."""
    is_quoted: bool = False
    has_blanks: bool = False
    file: str | None = None
    owner: str | None = None
    """Of the file; None where there is none, or where that cannot be found out."""
    user: str | None = None
    """Who runs this."""
    problem: str | None = None
    hint: str | None = None


def of_settings(facts: SettingsFacts) -> Iterator[Finding]:
    """Where the settings come from."""
    text = f"settings are read from {facts.file}" if facts.file else "there is no settings file"
    yield Finding(Level.OK, "settings", Name.SETTINGS_FILE, text)
    for path in facts.shadowed:
        yield advice(
            "settings",
            Name.FILE_SHADOWED,
            f"{path} is not read, because {facts.file} is; nothing in it has any effect",
            "keep one of the two, or name the one you mean with --config",
        )
    for key, source in sorted(facts.sources.items()):
        yield Finding(Level.OK, "settings", Name.SETTING_GIVEN, f"{key} comes from {source}")


def of_key(facts: KeyFacts) -> Iterator[Finding]:
    """Whether there is a key that can be sent, and how it is kept."""
    if facts.problem is not None:
        yield unusable("keys", Name.KEY_UNUSABLE, facts.problem, facts.hint, 2)
    elif facts.source is not None:
        text = f"{facts.variable} comes from {facts.source}"
        yield Finding(Level.OK, "keys", Name.KEY_FOUND, text)
    if facts.is_quoted:
        yield advice(
            "keys",
            Name.KEY_QUOTED,
            f"{facts.variable} begins or ends with a quotation mark, which is sent as part of it",
            "if the key is refused, remove the quotation marks",
        )
    if facts.has_blanks:
        yield advice(
            "keys",
            Name.KEY_IN_BLANKS,
            f"{facts.variable} has blanks around the key, which this program leaves out and others"
            " may send",
            "leave nothing there but the key, on one line",
        )
    for place in facts.ineffective:
        yield advice(
            "keys",
            Name.KEY_INEFFECTIVE,
            f"{facts.variable} is in {place}, too, where it has no effect: a new key there would"
            " not be sent",
            "keep the key in one place",
        )
    if facts.owner is not None and facts.owner != facts.user:
        yield advice(
            "keys",
            Name.KEY_OF_ANOTHER,
            f"{facts.file} belongs to {facts.owner}, and this is {facts.user}: {facts.owner} can"
            " replace the key, and a run as another user may be unable to read it",
            f"run doctor as the user that runs the passes, or `chown {facts.user} {facts.file}`",
        )
