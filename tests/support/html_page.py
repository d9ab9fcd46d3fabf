"""A report page as a reader sees it: headings, tables with their rows, and facts beside names."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "rect", "input", "link", "img"}
_CELLS = {"td", "th"}


@dataclass
class Table:
    """One table by its caption."""

    caption: str = ""
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """Cells that are not closed end where the next one begins, as in a browser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""
        self.headings: list[tuple[str, str]] = []
        self.tables: list[Table] = []
        self.facts: dict[str, list[str]] = {}
        self.paragraphs: list[str] = []
        self.commands: list[str] = []
        self.style = ""
        self.script = ""
        self.policy = ""
        self._texts: dict[str, list[str]] = {}
        """Of each element that is read, until it ends."""
        self._cell: tuple[str, str] | None = None
        self._in_head = False
        self._name = ""
        self.feed(text)
        self.close()

    def table(self, caption: str) -> Table:
        """The one whose caption begins so."""
        [found] = [table for table in self.tables if table.caption.startswith(caption)]
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag in _CELLS | {"tr"}:
            self._end_cell()
        if tag == "br" or (tag == "small" and self._cell):
            self.handle_data("\n")
        match tag:
            case "table":
                self.tables.append(Table())
            case "thead":
                self._in_head = True
            case "tr" if not self._in_head:
                self.tables[-1].rows.append([])
            case "td" | "th":
                self._cell = tag, given.get("scope") or ""
                self._texts["cell"] = []
            case _ if tag not in _VOID:
                self._texts[tag] = []

    def handle_endtag(self, tag: str) -> None:
        if tag in _CELLS | {"tr", "tbody", "thead", "table"}:
            self._end_cell()
        if tag == "thead":
            self._in_head = False
        text = "".join(self._texts.pop(tag, [])).strip()
        match tag:
            case "title":
                self.title = text
            case "h1" | "h2" | "h3":
                self.headings.append((tag, text))
            case "caption":
                self.tables[-1].caption = text
            case "dt":
                self._name = text
            case "dd":
                self.facts.setdefault(self._name, []).append(text)
            case "p":
                self.paragraphs.append(text)
            case "pre":
                self.commands.append(text)
            case "style":
                self.style = text
            case "script":
                self.script = text

    def handle_data(self, data: str) -> None:
        for texts in self._texts.values():
            texts.append(data)

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        self._cell = None
        text = "".join(self._texts.pop("cell")).strip()
        table = self.tables[-1]
        (table.heads if self._in_head else table.rows[-1]).append(text)
