"""A server that nobody vouches for hears nothing, whichever of the two services it poses as."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.busy_shop import BusyShop
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


class Impostor:
    """Speaks TLS with a certificate of its own making, and keeps what it is told."""

    def __init__(self, home: Path) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "30",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            cwd=home, check=True, capture_output=True,
        )  # fmt: skip
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(home / "cert.pem", home / "key.pem")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/api"
        self.visitors = 0
        self.heard = b""

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listening.accept()
                self.visitors += 1
                with visitor, contextlib.suppress(OSError):
                    visitor.settimeout(5)
                    with self._context.wrap_socket(visitor, server_side=True) as secured:
                        self.heard += secured.recv(65536)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Impostor]:
        """While the block runs."""
        thread = threading.Thread(target=self._listen, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            thread.join()


@pytest.mark.covers("F106")
@pytest.mark.parametrize(("service", "code"), [("LOOP", 4), ("JETTI", 5)])
def test_an_impostor_hears_nothing(
    shop: BusyShop, tmp_path: Path, service: str, code: int, figures: Figures
) -> None:
    name = f"{service}_BASE_URL"
    home = shop.environ[name]
    with Impostor(tmp_path).listening() as impostor:
        shop.environ[name] = impostor.url
        assert shop.run().code == code

    assert impostor.visitors > 0
    assert impostor.heard == b""
    shop.environ[name] = home
    shop.heal()
    shop.pass_time()
    assert shop.run().code == 0
    assert_agreement(shop, but=[shop.cast.ancient])
    figures.add("faults", f"{service.lower()} away | certificate of its own making")
