"""The code below a tag, and what can stand there instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.tags import Tagged, tagged_files, tags


def below(code: str) -> Tagged:
    """The code below the tag `one`, which `@` stands for."""
    return Tagged(code.replace("@", "# safeguard: one"), "one")


def plain(changed: str) -> str:
    return changed.replace("# safeguard: one", "@")


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("@\nif is_ready(a if b else c): go()", "@\nif False: go()"),
        ("@\nif (\n    a\n    and b\n):\n    go()", "@\nif (\n    False\n):\n    go()"),
        ("if a: go()\n@\nelif b or c: stop()", "if a: go()\n@\nelif False: stop()"),
        (
            "@\nwhile (a := b()) > 0:\n    go(c if d else e)",
            "@\nwhile False:\n    go(c if d else e)",
        ),
        (
            "a = [\n  b for b in c\n  @\n  if b.d and e\n]",
            "a = [\n  b for b in c\n  @\n  if False\n]",
        ),
        ("@\na = 'ü' if b else c", "@\na = 'ü' if False else c"),
    ],
)
def test_a_condition_that_is_never_true(code: str, without: str) -> None:
    assert plain(below(code).with_condition(False)) == without


def test_a_condition_that_is_always_true() -> None:
    assert plain(below("@\nif a: go()").with_condition(True)) == "@\nif True: go()"


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("@\na = (\n    b\n    or c\n)  # why", "@\na = (\n    None\n)  # why"),
        ("def a():\n    @\n    return b or c", "def a():\n    @\n    return None"),
    ],
)
def test_another_value_is_assigned_or_returned(code: str, without: str) -> None:
    assert plain(below(code).with_value("None")) == without


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("@\nx = b('ü') or old\nold()", "@\nx = b('ü') or new\nold()"),
        (
            "old()\n@\nx = a(\n    b,\n    old,\n)\nold()",
            "old()\n@\nx = a(\n    b,\n    new,\n)\nold()",
        ),
        ("@\nfor a in old:\n    old()", "@\nfor a in new:\n    old()"),
        (
            "@\nmatch old(a):\n    case old():\n        b()",
            "@\nmatch new(a):\n    case old():\n        b()",
        ),
        (
            "a = {\n    @\n    'b': old,\n    'c': old,\n}",
            "a = {\n    @\n    'b': new,\n    'c': old,\n}",
        ),
        (
            "try:\n    a()\n@\nexcept old:  # noqa\n    old()",
            "try:\n    a()\n@\nexcept new:  # noqa\n    old()",
        ),
        ("a = tuple(\n    @\n    b for b in old\n)", "a = tuple(\n    @\n    b for b in new\n)"),
    ],
)
def test_a_text_of_the_tagged_code_alone_is_swapped(code: str, without: str) -> None:
    assert plain(below(code).with_swap("old", "new")) == without


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("if a:\n    @\n    b(\n        c,\n    )\nd()", "if a:\n    @\n    pass\nd()"),
        ("a(\n    @\n    b(c or d),\n    e,\n)", "a(\n    @\n    pass,\n    e,\n)"),
    ],
)
def test_another_statement_or_expression_stands_there(code: str, without: str) -> None:
    assert plain(below(code).with_code("pass")) == without


@pytest.mark.parametrize("count", [0, 2])
def test_what_is_swapped_is_there_exactly_once(count: int) -> None:
    code = below(f"@\nx = a({', '.join(['old'] * count)})\nold()")

    with pytest.raises(ValueError, match=f"is there {count} times"):
        code.with_swap("old", "new")


def test_what_has_no_such_part_cannot_change_it() -> None:
    with pytest.raises(ValueError, match="no condition"):
        below("@\na()\nif b: c()").with_condition(False)
    with pytest.raises(ValueError, match="nothing is assigned or returned"):
        below("@\na()").with_value("None")
    with pytest.raises(ValueError, match="no whole statement"):
        below("@\nif a: b()").with_code("pass")
    with pytest.raises(ValueError, match="no whole statement"):
        below("a = (\n    b\n    @\n    or c\n)").with_code("pass")


def test_several_tags_stand_above_one_line_and_other_comments_among_them() -> None:
    text = "# safeguard: one\n# why\n\n# safeguard: two-of-2\na()\n"

    assert list(tags(text)) == [("one", 5, 0), ("two-of-2", 5, 0)]


def test_what_only_quotes_a_tag_is_none() -> None:
    assert list(tags('"""\n# safeguard: one\n"""\n# a safeguard\na = "# safeguard: one"\n')) == []


@pytest.mark.parametrize(
    "text",
    [
        "a()  # safeguard: one",
        "# safeguard: One line\na()",
        "# Safeguard: one\na()",
        "#safeguard: one\na()",
        "# safeguards: one\na()",
        "# safeguard : one\na()",
        "# safeguard: one, or so\na()",
    ],
)
def test_a_tag_is_written_in_one_way(text: str) -> None:
    with pytest.raises(ValueError, match="is no tag"):
        list(tags(text))


def test_a_tag_has_code_below_it() -> None:
    with pytest.raises(ValueError, match="no code below one"):
        list(tags("def a():\n    b()\n    # safeguard: one\n"))


def test_a_name_stands_once_in_the_program(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    write("reconciler/core/a.py", "# safeguard: one\na()\n")
    write("migrations/versions/b.py", "# safeguard: two\nb()\n")
    write("tests/c.py", "# safeguard: three\nc()\n")
    assert tagged_files(tmp_path) == {
        "one": Path("reconciler/core/a.py"),
        "two": Path("migrations/versions/b.py"),
    }

    write("reconciler/d.py", "# safeguard: two\nd()\n")
    with pytest.raises(ValueError, match="two is tagged twice"):
        tagged_files(tmp_path)
