"""Only a verified line is used, and nothing can be told to trust less."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from reconciler.errors import SourceError
from reconciler.http import NotSent, PerMinute, Timeouts, tls_context
from tests.http.peers import answer, deaf_server

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

NAMES = {"right": "IP:127.0.0.1", "elsewhere": "DNS:elsewhere.example", "expired": "IP:127.0.0.1"}


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority of our own, and three servers' certificates signed by it."""
    home = tmp_path_factory.mktemp("tls")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        home, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
        "-subj", "/CN=Test authority", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    (home / "index.txt").touch()
    (home / "serial").write_text("1000")
    for name, address in NAMES.items():
        (home / f"{name}.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
            f"[e]\nsubjectAltName={address}\nauthorityKeyIdentifier=keyid\n"
        )
        openssl(
            home, "req", "-new", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={name}",
        )  # fmt: skip
        until = "20200102000000Z" if name == "expired" else "20991231000000Z"
        openssl(
            home, "ca", "-batch", "-config", f"{name}.cnf", "-extensions", "e", "-notext",
            "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.pem",
            "-startdate", "20200101000000Z", "-enddate", until,
        )  # fmt: skip
    return home


class SecurePeer:
    """Answers over TLS until it is closed, and remembers what reached it."""

    def __init__(self, home, name: str, together: int = 1) -> None:
        """It shakes hands when so many wait for that."""
        self._together = threading.Barrier(together, timeout=5)
        self.received: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(home / f"{name}.pem", home / f"{name}.key")
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        with socket.socket() as knock:
            knock.connect_ex(self._listener.getsockname())
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        answering = []
        while True:
            connection, _ = self._listener.accept()
            if self._closing.is_set():
                connection.close()
                break
            connection.settimeout(5)
            answering.append(threading.Thread(target=self._answer, args=(connection,)))
            answering[-1].start()
        for one in answering:
            one.join()

    def _answer(self, connection: socket.socket) -> None:
        self._together.wait()
        try:
            with connection, self._context.wrap_socket(connection, server_side=True) as secured:
                if received := secured.recv(65536):
                    self.received.append(received)
                    secured.sendall(answer(body=b"1"))
        except OSError:
            pass  # the client did not like the certificate, as most tests want it to


@pytest.fixture
def secure_peer(certificates):
    made = []

    def make(name: str, together: int = 1) -> SecurePeer:
        made.append(SecurePeer(certificates, name, together))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_verified_server_is_asked(certificates, secure_peer, service):
    trusted = tls_context(str(certificates / "ca.pem"))

    got = service(secure_peer("right").url, tls=trusted).get("/x", "", lambda given: given.body)

    assert got == b"1"


def test_to_be_asked_ahead_a_verified_server_is_connected_to_by_all_at_once(
    certificates, secure_peer, service
):
    server = secure_peer("right", together=3)
    trusted = tls_context(str(certificates / "ca.pem"))
    loop = service(server.url, tls=trusted, pace=PerMinute(60_000))

    loop.ask_ahead("/x", ["n=1", "n=2", "n=3"])

    assert [loop.get("/x", f"n={n}", lambda given: given.body) for n in (1, 2, 3)] == [b"1"] * 3
    assert len(server.received) == loop.requests.get == 3


@pytest.mark.covers("F106")
def test_to_be_asked_ahead_an_unverified_server_gets_nothing(secure_peer, service):
    server = secure_peer("right")
    loop = service(server.url, pace=PerMinute(60_000))

    assert loop.ask_ahead("/x", ["n=1", "n=2"]) == []
    with pytest.raises(SourceError, match="certificate verify failed"):
        loop.get("/x", "n=1", lambda given: given.body)

    assert server.received == []


@pytest.mark.covers("F106")
@pytest.mark.parametrize("name", ["elsewhere", "expired"])
def test_a_certificate_for_another_name_or_time_is_refused(
    certificates, secure_peer, service, name
):
    server = secure_peer(name)
    trusted = tls_context(str(certificates / "ca.pem"))

    with pytest.raises(NotSent, match="certificate verify failed"):
        service(server.url, tls=trusted).write("PUT", "/x", b"{}")

    assert server.received == []


@pytest.mark.covers("F106")
def test_an_unknown_authority_is_refused_whatever_the_environment_says(
    certificates, secure_peer, service, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates))
    server = secure_peer("right")

    with pytest.raises(SourceError, match="certificate verify failed"):
        service(server.url).get("/x", "", lambda given: given.body)

    assert server.received == []


@pytest.mark.covers("F106")
def test_the_shared_context_verifies_and_wants_tls_1_2(monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    tls_context.cache_clear()

    context = tls_context()

    assert context is tls_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


def test_a_handshake_that_is_never_answered_ends_after_the_time_to_connect(service):
    with deaf_server() as address:
        jetti = service(f"https://{address}", timeouts=Timeouts(connect=0.1, read=8, total=9))
        began = time.monotonic()

        with pytest.raises(NotSent, match="timed out"):
            jetti.write("PUT", "/x", b"{}")

        assert time.monotonic() - began < 4
