"""Safeguards in the source, each found by a comment that names it.

    # safeguard: edge-probe
    yield from self._probe(rows[-1], cursor)

A tag is alone on its line, and there may be several above one line. The tagged code begins at the
first token below them: it is the statement that begins there, without the block below it, or
within an expression the part that begins there, and never less than that line. A name occurs once
in the program, so it also identifies the file.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO
from itertools import accumulate
from pathlib import Path

PLACES = ("reconciler", "migrations")

_MEANT = re.compile(r"#\W*safeguards?\W*:", re.IGNORECASE)
_TAG = re.compile(r"# safeguard: ([a-z0-9]+(?:-[a-z0-9]+)*)")
_BETWEEN = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
)


def tagged_files(root: Path) -> dict[str, Path]:
    """The file, below `root`, of every tag of the program.

    Raises ValueError as `tags` does, and for a name that occurs twice.
    """
    files: dict[str, Path] = {}
    for place in PLACES:
        for file in sorted((root / place).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            for name, line, _ in tags(text) if _MEANT.search(text) else ():
                if name in files:
                    raise ValueError(f"{name} is tagged twice: {files[name]}, {file}:{line}")
                files[name] = file.relative_to(root)
    return files


def tags(text: str) -> Iterator[tuple[str, int, int]]:
    """For every tag: its name, and line and column (in characters) where the tagged code begins.

    Raises ValueError for a tag that is malformed or has no code below it.
    """
    waiting: list[str] = []
    for token in tokenize.generate_tokens(StringIO(text).readline):
        (line, column) = token.start
        if token.type == tokenize.COMMENT and _MEANT.match(token.string):
            found = _TAG.fullmatch(token.string)
            if found is None or token.line[:column].strip():
                raise ValueError(f"line {line} is no tag: {token.line.strip()}")
            waiting.append(found[1])
        elif token.type == tokenize.ENDMARKER and waiting:
            raise ValueError(f"there is no code below {', '.join(waiting)}")
        elif token.type not in _BETWEEN:
            yield from ((name, line, column) for name in waiting)
            waiting.clear()


class Tagged:
    """The code below one tag, and the whole text with other code in its place.

    The methods that change it raise ValueError if the code has no such part.
    """

    def __init__(self, text: str, name: str) -> None:
        places = [(line, column) for tag, line, column in tags(text) if tag == name]
        if len(places) != 1:
            raise ValueError(f"{name} is tagged {len(places)} times in this file")
        [(line, column)] = places
        lines = text.splitlines(keepends=True)
        # `ast` counts columns in bytes.
        self._text = text.encode()
        self._starts = [0, *accumulate(len(one.encode()) for one in lines)]
        self._name = name
        self._tree = ast.parse(text)
        self._start = self._offset(line, len(lines[line - 1][:column].encode()))
        beginning = [node for node in self._nodes() if self._from(node) == self._start]
        # The outermost of the nodes that begin there, which `ast` visits first.
        self._node = max(beginning, key=self._to, default=None)
        self._end = max(self._starts[line], self._head_end())

    def with_condition(self, value: bool) -> str:
        """The text with its condition always or never true."""
        inside = [test for test in self._conditions() if self._start < self._from(test) < self._end]
        if not inside:
            raise ValueError(f"{self._name}: there is no condition")
        first = min(inside, key=self._from)
        return self._put(self._from(first), self._to(first), str(value))

    def with_value(self, value: str) -> str:
        """The text with another value assigned or returned."""
        match self._node:
            case ast.Assign(value=ast.expr() as old) | ast.Return(value=ast.expr() as old):
                return self._put(self._from(old), self._to(old), value)
        raise ValueError(f"{self._name}: nothing is assigned or returned")

    def with_swap(self, old: str, new: str) -> str:
        """The text with a part of the code, which must occur exactly once, replaced."""
        code = self._text[self._start : self._end]
        if (count := code.count(old.encode())) != 1:
            raise ValueError(f"{self._name}: {old!r} is there {count} times")
        at = self._start + code.index(old.encode())
        return self._put(at, at + len(old.encode()), new)

    def with_code(self, code: str) -> str:
        """The text with the statement or expression replaced."""
        if self._node is None or _block(self._node):
            raise ValueError(f"{self._name}: that is no whole statement or expression")
        return self._put(self._start, self._to(self._node), code)

    def _nodes(self) -> Iterator[ast.stmt | ast.expr | ast.excepthandler]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.stmt | ast.expr | ast.excepthandler):
                yield node

    def _conditions(self) -> Iterator[ast.expr]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.If | ast.While | ast.IfExp):
                yield node.test
            elif isinstance(node, ast.comprehension):
                yield from node.ifs

    def _head_end(self) -> int:
        if self._node is None:
            return self._start
        block = _block(self._node)
        return self._from(block[0]) if block else self._to(self._node)

    def _from(self, node: ast.stmt | ast.expr | ast.excepthandler | ast.pattern) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _to(self, node: ast.stmt | ast.expr | ast.excepthandler) -> int:
        return self._offset(node.end_lineno or 0, node.end_col_offset or 0)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _put(self, start: int, end: int, code: str) -> str:
        return (self._text[:start] + code.encode() + self._text[end:]).decode()


def _block(node: ast.AST) -> list[ast.stmt] | list[ast.pattern]:
    """The block of a compound statement; empty for anything else."""
    if isinstance(node, ast.Match):
        return [case.pattern for case in node.cases]
    body = getattr(node, "body", None)
    return body if isinstance(body, list) else []
