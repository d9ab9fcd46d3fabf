"""Addresses with a query that is encoded already."""

from __future__ import annotations

import httpx


class EncodedUrl(httpx.URL):
    """A URL and a query that needs no more encoding.

    httpx would look at each character of the query again, twice: for 4 kB of a list of ids that
    takes longer than all else that sending a request does here.
    """

    def __init__(self, url: httpx.URL, query: str) -> None:
        super().__init__(url)
        self._encoded = query

    @property
    def query(self) -> bytes:
        return self._encoded.encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return super().raw_path + b"?" + self.query

    def __str__(self) -> str:
        return f"{super().__str__()}?{self._encoded}"
