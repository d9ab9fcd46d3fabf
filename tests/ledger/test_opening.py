"""What is created, and what is refused instead of being opened."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.core.model import State
from reconciler.core.records import Meta
from reconciler.errors import ConfigError, LedgerError, LedgerMissing
from reconciler.ledger import location, opening
from reconciler.ledger.database_errors import unsound
from tests.ledger.samples import BIRTH, LATER, NOON, drained, observation
from tests.support.golden import as_shown, by_name

DOORS = {
    "run": opening.open_ledger,
    "reader": opening.open_reader,
    "scratch": opening.open_scratch,
}
AS_ROOT = os.geteuid() == 0
USER = 12345


@pytest.fixture(params=DOORS)
def door(request):
    return DOORS[request.param]


def refusal(door, url, clock, expected, **options):
    with pytest.raises(expected) as caught, door(url, clock, **options):
        pass
    assert caught.type is expected
    assert caught.value.hint
    return caught.value


def said_by(error, path):
    """An error as it is printed, wherever the ledger is."""
    return by_name(as_shown(error), [(path, "LEDGER"), (path.parent, "DIRECTORY")])


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_ledger_knows_what_it_was_told(ledger):
    assert ledger.meta.read() == Meta(
        go_live=NOON, watermark=NOON, mapping_version="m1", created_at=NOON
    )
    assert ledger.entries.counts_by_state() == {}


def test_only_its_owner_may_read_a_ledger(url, path, clock):
    with opening.open_ledger(url, clock):
        beside = sorted(path.parent.iterdir())

    assert [file.name for file in beside] == ["ledger.db", "ledger.db-journal", "ledger.db.lock"]
    assert {mode(file) for file in beside} == {0o600}
    assert mode(path.parent) == 0o700


def test_a_ledger_is_private_whatever_the_umask(path, clock):
    before = os.umask(0)
    try:
        opening.create(f"sqlite:///{path}", BIRTH, clock)
    finally:
        os.umask(before)

    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_creating_leaves_nothing_but_the_ledger_and_its_lock(url, path):
    assert sorted(os.listdir(path.parent)) == ["ledger.db", "ledger.db.lock"]


def test_a_ledger_is_never_created_over_a_file(url, path, clock, golden):
    before = path.read_bytes()

    with pytest.raises(ConfigError) as caught:
        opening.create(url, BIRTH, clock)

    assert path.read_bytes() == before
    assert str(path) in str(caught.value)
    golden(said_by(caught.value, path))


def test_a_ledger_may_take_the_place_of_an_empty_file(path, clock):
    path.parent.mkdir()
    path.touch()

    opening.create(f"sqlite:///{path}", BIRTH, clock)

    with opening.open_ledger(f"sqlite:///{path}", clock) as ledger:
        assert ledger.meta.read().go_live == NOON


def test_a_crash_while_creating_leaves_no_half_ledger(path, clock):
    path.parent.mkdir()
    path.with_name("ledger.db.partial").write_bytes(b"left over")
    url = f"sqlite:///{path}"
    assert not opening.exists(url)

    opening.create(url, BIRTH, clock)

    assert opening.exists(url)


def test_what_was_recorded_is_there_next_time(url, clock):
    with opening.open_ledger(url, clock) as ledger:
        ledger.windows.record(drained(observation("1"), watermark=LATER), NOON)

    with opening.open_ledger(url, clock) as ledger:
        assert ledger.entries.counts_by_state() == {State.PENDING: 1}
        assert ledger.meta.read().watermark == LATER


def test_where_nothing_can_be_made_no_ledger_is_created(path, clock, golden):
    path.parent.touch()  # a file where the directory should be

    with pytest.raises(LedgerError) as caught:
        opening.create(f"sqlite:///{path}", BIRTH, clock)

    assert str(path) in str(caught.value)
    golden(said_by(caught.value, path))


LOOK_AT_IMPORTS = """
import sys
import reconciler.core.ports, reconciler.clock, reconciler.errors
print(sorted({"sqlalchemy", "alembic"} & sys.modules.keys()))
from reconciler.ledger import opening
for door in (opening.open_ledger, opening.open_reader, opening.open_scratch):
    with door(sys.argv[1], reconciler.clock.SystemClock()) as ledger:
        ledger.meta.read()
print(sorted({"sqlalchemy", "alembic"} & sys.modules.keys()))
"""


def test_only_a_migration_imports_alembic_and_only_the_ledger_sqlalchemy(url):
    done = subprocess.run(
        [sys.executable, "-c", LOOK_AT_IMPORTS, url], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n['sqlalchemy']\n"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql+psycopg://me:secret@db/x", "PostgreSQL"),
        ("mysql://me:secret@db/x", "'mysql'"),
        ("sqlite://", "SQLite file"),
        ("sqlite:///:memory:", "SQLite file"),
        ("sqlite:////tmp/x.db?mode=ro", "SQLite file"),
        ("/var/lib/ledger.db", "SQLite file"),
    ],
    ids=["PostgreSQL", "MySQL", "no file", "memory", "with options", "a path"],
)
def test_other_urls_are_settings_errors(clock, url, says, golden):
    told = {as_shown(refusal(door, url, clock, ConfigError)) for door in DOORS.values()}

    [error] = told
    assert "ledger:" in error
    assert says in error
    assert "secret" not in error
    golden(error)


@pytest.mark.covers("F88")
def test_a_missing_ledger_is_never_created(path, clock, door, golden):
    error = refusal(door, f"sqlite:///{path}", clock, LedgerMissing)

    assert "reconciler init" in error.hint
    assert not path.parent.exists()
    golden(said_by(error, path))


def test_an_empty_file_is_a_missing_ledger(url, path, clock, door, golden):
    path.write_bytes(b"")

    error = refusal(door, url, clock, LedgerMissing)

    assert "zero bytes" in str(error)
    assert "reconciler init" in error.hint
    assert path.read_bytes() == b""
    golden(said_by(error, path))


def test_an_empty_database_is_a_missing_ledger(url, path, clock, door, golden):
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 0")
    connection.execute("VACUUM")
    connection.close()

    golden(said_by(refusal(door, url, clock, LedgerMissing), path))


def test_somebody_elses_database_is_a_missing_ledger(url, path, clock, door, golden):
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (return_id TEXT)")
    connection.close()
    before = path.read_bytes()

    error = refusal(door, url, clock, LedgerMissing)

    assert path.read_bytes() == before
    golden(said_by(error, path))


def test_a_web_page_is_no_ledger(url, path, clock, door, golden):
    path.write_text("<!doctype html><title>Sign in</title>" + "x" * 5000)

    error = refusal(door, url, clock, LedgerError)

    assert "is not a database" in str(error)
    golden(said_by(error, path))


@pytest.fixture
def large(url, path, clock):
    """A ledger of many pages."""
    with opening.open_ledger(url, clock) as ledger:
        ledger.windows.record(drained(*(observation(str(number)) for number in range(500))), NOON)
    return path


def test_flipped_bytes_are_noticed(url, large, clock):
    content = bytearray(large.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes(byte ^ 0xFF for byte in content[middle : middle + 4096])
    large.write_bytes(content)

    error = refusal(opening.open_ledger, url, clock, LedgerError)

    assert "is corrupt" in str(error)
    assert "reconciler init --adopt" in error.hint
    assert large.read_bytes() == content


def test_a_truncated_ledger_is_noticed(url, large, clock):
    os.truncate(large, large.stat().st_size // 2 // 4096 * 4096)

    error = refusal(opening.open_ledger, url, clock, LedgerError)

    assert "is corrupt" in str(error)


def test_a_check_that_ran_out_of_memory_finds_no_damage():
    """Seen under `ulimit -v`."""
    finding = "*** in database main ***\nPage 6: unable to get the page. error code=7"

    assert type(unsound(finding, "ledger.db")) is MemoryError


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        ("Page 6: unable to get the page. error code=522", "met a disk error"),
        ("Page 6: unable to get the page. error code=11", "is corrupt"),
        ("row 3 missing from index ix_entries_state", "is corrupt"),
    ],
    ids=["a disk error", "a page", "an index"],
)
def test_only_damage_is_called_corrupt(finding, told, golden):
    error = unsound(finding, "ledger.db")

    assert type(error) is LedgerError
    assert told in str(error)
    golden(as_shown(error))


def test_a_reader_of_a_damaged_ledger_says_so(url, large, clock):
    os.truncate(large, 8192)

    with pytest.raises(LedgerError, match="is corrupt"), opening.open_reader(url, clock) as reader:
        reader.entries.get([str(number) for number in range(500)])


def test_a_row_that_makes_no_sense_is_damage(url, large, clock, golden):
    connection = sqlite3.connect(large)
    connection.execute("""UPDATE entries SET wanted = '{"purpose": "dance"}'""")
    connection.commit()
    connection.close()

    with (
        opening.open_reader(url, clock) as reader,
        pytest.raises(LedgerError) as caught,
    ):
        reader.entries.get(["1"])

    assert "dance" not in str(caught.value)
    golden(said_by(caught.value, large))


def test_a_request_of_no_known_kind_is_damage(url, large, clock, golden):
    with closing(sqlite3.connect(large)) as connection:
        connection.execute(
            "INSERT INTO attempts (return_id, at, operation, target_id, answer) "
            "VALUES ('1', '2026-03-01T12:00:00.000000Z', 'dance', 1, 'applied')"
        )
        connection.commit()

    with (
        opening.open_reader(url, clock) as reader,
        pytest.raises(LedgerError) as caught,
    ):
        reader.journal.attempts_of("1")
    golden(said_by(caught.value, large))


@pytest.mark.covers("P18")
def test_a_newer_ledger_is_refused_untouched(url, path, clock, door, golden):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    before = path.read_bytes()

    error = refusal(door, url, clock, LedgerError)

    assert "newer version" in str(error)
    assert path.read_bytes() == before
    golden(said_by(error, path))


def test_a_directory_is_no_ledger(url, path, clock, door, golden):
    path.unlink()
    path.mkdir()

    error = refusal(door, url, clock, LedgerError)

    assert "not a file" in str(error)
    golden(said_by(error, path))


# Root may do everything, so an ordinary user opens the ledger, in a process of its own. All that
# is imported late is imported before: that user may not read the virtual environment.
OPEN_AS_A_USER = """
import os, sys
from datetime import UTC, datetime
from reconciler.clock import SystemClock
from reconciler.errors import ReconcilerError
from reconciler.ledger import opening
from reconciler.ledger.schema import InitialState
url, door, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
now = datetime.now(UTC)
with opening.open_blank(InitialState(now, now, "m1"), SystemClock()) as ledger:
    ledger.entries.counts_by_state()
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
try:
    with getattr(opening, door)(url, SystemClock()) as ledger:
        print("opened", ledger.entries.counts_by_state())
except ReconcilerError as error:
    print(f"{type(error).__name__}: {error}", f"Hint: {error.hint}", sep=os.linesep)
"""


@pytest.fixture
def public():
    """A directory that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
        place.chmod(0o755)


@pytest.fixture
def owned(public, clock):
    """A ledger that belongs to an ordinary user."""
    path = public / "state" / "ledger.db"
    opening.create(f"sqlite:///{path}", BIRTH, clock)
    if AS_ROOT:
        for file in (path.parent, *path.parent.iterdir()):
            os.chown(file, USER, USER)
    return path


def open_as_a_user(path, door):
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AS_A_USER, f"sqlite:///{path}", door, str(USER)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def said_to_a_user(printed, owned):
    """What an ordinary user is told, whoever that is."""
    user = USER if AS_ROOT else os.geteuid()
    return by_name(printed, [(owned, "LEDGER"), (owned.parent, "DIRECTORY"), (user, "USER")])


@pytest.mark.parametrize("door", ["open_ledger", "open_reader", "open_scratch"])
def test_its_owner_opens_a_ledger(owned, door):
    assert open_as_a_user(owned, door) == "opened {}\n"


@pytest.mark.covers("F85")
@pytest.mark.parametrize("place", ["file", "directory"])
def test_a_read_only_ledger_is_refused_before_anything_else(owned, place, golden):
    read_only, rights = (owned, 0o400) if place == "file" else (owned.parent, 0o500)
    read_only.chmod(rights)

    said = open_as_a_user(owned, "open_ledger")

    owned.parent.chmod(0o700)
    assert said.startswith("LedgerError: the ledger is read-only")
    golden(said_to_a_user(said, owned))


@pytest.mark.parametrize("door", ["open_reader", "open_scratch"])
def test_looking_needs_no_right_to_write(owned, door):
    owned.chmod(0o400)
    owned.parent.chmod(0o500)
    before = owned.read_bytes(), sorted(os.listdir(owned.parent))

    said = open_as_a_user(owned, door)

    assert (owned.read_bytes(), sorted(os.listdir(owned.parent))) == before
    owned.parent.chmod(0o700)
    assert said == "opened {}\n"


@pytest.mark.parametrize("door", ["open_ledger", "open_reader", "open_scratch"])
def test_an_unreadable_ledger_is_refused(owned, door, golden):
    owned.chmod(0)

    said = open_as_a_user(owned, door)

    assert said.startswith("LedgerError: ")
    golden(said_to_a_user(said, owned))


@pytest.mark.parametrize("door", ["open_ledger", "open_reader", "open_scratch"])
def test_a_ledger_out_of_reach_is_not_taken_for_a_missing_one(owned, public, door, golden):
    owned.parent.chmod(0)

    said = open_as_a_user(owned, door)

    owned.parent.chmod(0o700)
    assert said.startswith("LedgerError: ")
    golden(said_to_a_user(said, owned))


@pytest.mark.covers("F85")
@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_somebody_elses_ledger_is_refused_even_to_root(owned, clock, golden):
    error = refusal(opening.open_ledger, f"sqlite:///{owned}", clock, LedgerError)

    assert f"belongs to user {USER}" in str(error)
    golden(said_by(error, owned))


MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:20 / /srv rw shared:2 - nfs4 host:/srv rw
24 23 8:2 / /srv/local rw - xfs /dev/sdb1 rw
25 22 0:21 / /my\040disk rw - cifs //nas/share rw
28 22 0:23 / /día rw - smb3 //nas/share rw
26 22 0:22 / /twice rw - nfs host:/old rw
27 26 8:3 / /twice rw - ext4 /dev/sdc1 rw
""".strip()


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/srv/a", "nfs4"),
        ("/srv/local/a", "xfs"),
        ("/srvx", "ext4"),
        ("/my disk/a", "cifs"),
        ("/día/a", "smb3"),
        ("/twice", "ext4"),
    ],
)
def test_the_filesystem_is_the_one_mounted_nearest(place, kind):
    assert location.filesystem_of(Path(place), MOUNTS) == kind


def mounted(kind):
    return f"22 1 8:1 / / rw - {kind} /dev/sda1 rw"


@pytest.mark.parametrize("kind", ["nfs4", "cifs"])
def test_network_filesystems_are_refused(kind, path, golden):
    with pytest.raises(LedgerError) as caught:
        location.require_local(path, mounted(kind))

    assert kind in str(caught.value)
    golden(said_by(caught.value, path))


def test_other_filesystems_are_accepted(path):
    location.require_local(path, mounted("ext4"))
