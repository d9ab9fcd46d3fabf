"""The golden messages: each belongs to a test, and whoever reads an error knows how to go on."""

from __future__ import annotations

import re

import pytest

from tests.support.golden import PAGE, Golden, claimed, read, written

SECTIONS = read(PAGE.read_text(encoding="utf-8"))
ERRORS = {
    f"{name} {number}": error
    for name, text in SECTIONS.items()
    for number, error in enumerate(re.split(r"^(?:Error|[A-Za-z]+Error): ", text, flags=re.M)[1:])
}
"""The errors of each section, and what follows them."""

WHO = re.compile(
    r"--[a-z]|'\S+' belongs to no option|No such (command|option)|Missing argument|Invalid value"
    r"|Option '--"
    r"|[A-Z_]{6,}: |\S+\.toml: |ledger: "
    r"|Loop|plan [0-9A-Za-z]+ |(the|this|another) (ledger|machine|run)|there is (no|a) ledger"
    r"|LEDGER "
)
"""An option, a setting, a service, or something of this machine's."""


def test_every_section_has_a_test_and_every_test_its_section() -> None:
    assert list(SECTIONS) == claimed(), "`make golden` writes the file"


def test_the_file_is_written_in_one_way() -> None:
    assert written(SECTIONS) == PAGE.read_text(encoding="utf-8")


def test_sections_of_one_test_that_read_the_same_are_written_once() -> None:
    alike = {"a.py::test_x[1]": "Error: no", "a.py::test_x[2]": "Error: no", "b.py::test_x": "-"}

    assert read(written(alike)) == alike
    assert written(alike).count("Error: no") == 1


def test_a_text_that_is_not_agreed_fails() -> None:
    name, agreed = next(iter(SECTIONS.items()))

    Golden(updates=False).check(name, agreed)
    for named, text in ((name, f"{agreed}!"), ("core/test_new.py::test_new", agreed)):
        with pytest.raises(pytest.fail.Exception, match="make golden"):
            Golden(updates=False).check(named, text)


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_says_who_and_what_and_the_way_out(name: str) -> None:
    error = ERRORS[name]

    what, hint, way_out = error.partition("\nHint: ")
    who = WHO.match(what)
    assert who
    assert len(what) > who.end()
    assert hint
    assert way_out.strip()


def test_errors_were_looked_at() -> None:
    assert len(ERRORS) > 100
