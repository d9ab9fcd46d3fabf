"""Migrations end at the tables, older ledgers are brought up, and nothing private has a place."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import reconciler.migrations
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import reconciler
from reconciler.core.model import State
from reconciler.errors import LedgerError
from reconciler.ledger import opening, tables
from reconciler.ledger.database import Database
from reconciler.ledger.schema import CURRENT, Schema, migrate
from reconciler.ledger.sqlite import create_private, open_file
from tests.ledger.files import older_ledger
from tests.ledger.samples import CREATE, NOON, drained, observation
from tests.support.golden import as_shown, by_name

MIGRATIONS = Path(reconciler.migrations.__file__).parent
CHECKOUT = MIGRATIONS.parent
DAY = timedelta(days=1)

NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "0010"
down_revision = "0009"

def upgrade():
    with op.batch_alter_table("entries") as batch:
        batch.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="5"))
    {more}
"""


def statements(path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    return dict(rows)


def shape(path):
    """Tables with their columns, checks, references and indexes, however they were written."""
    with closing(sqlite3.connect(path)) as connection:

        def told(pragma, name):
            return sorted(map(repr, connection.execute(f"PRAGMA {pragma}({name})").fetchall()))

        kinds = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        found = {}
        for kind, name, sql in connection.execute(kinds).fetchall():
            if kind == "index":
                found[name] = told("index_info", name)
            else:
                checks = sorted(re.findall(r"CONSTRAINT \w+ CHECK \([^)]*\)", sql))
                found[name] = checks, told("table_info", name), told("foreign_key_list", name)
    return found


def alembic_config(location=MIGRATIONS):
    config = Config()
    config.set_main_option("script_location", str(location))
    return config


@pytest.fixture
def migrated(tmp_path):
    """A database built by the migrations alone."""
    path = tmp_path / "migrated.db"
    create_private(path)
    database = Database(open_file(path, "rw"), str(path))
    migrate(database, CURRENT)
    yield path, database
    database.close()


def test_migrations_end_at_the_tables(migrated, url, path):
    assert shape(migrated[0]) == shape(path)


def test_alembic_finds_nothing_left_to_migrate(migrated):
    config = alembic_config()
    with migrated[1].writing() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_a_ledger_says_in_its_header_what_it_is(url, path):
    with closing(sqlite3.connect(path)) as connection:
        marks = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        ]

    assert marks == [0x52455455, CURRENT.number]


def test_the_head_is_alembics_own():
    script = ScriptDirectory.from_config(alembic_config())

    assert script.get_current_head() == CURRENT.head


def test_migrating_works_from_an_installed_package(tmp_path):
    installed, elsewhere = tmp_path / "site-packages", tmp_path / "empty"
    elsewhere.mkdir()
    shutil.copytree(Path(reconciler.__file__).parent, installed / "reconciler")
    shutil.copytree(MIGRATIONS, installed / "reconciler" / "migrations")
    script = (
        "import reconciler.migrations as found; print(found.__file__)\n"
        "from reconciler.ledger.schema import CURRENT, migrate\n"
        "from reconciler.ledger.sqlite import open_temporary\n"
        "from reconciler.ledger.database import Database\n"
        "database = Database(open_temporary(), 'temporary')\n"
        "migrate(database, CURRENT)\n"
        "print(database.raw.execute('SELECT version_num FROM alembic_version').fetchall())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert str(installed) in done.stdout
    assert f"[('{CURRENT.head}',)]" in done.stdout
    assert os.listdir(elsewhere) == []


@pytest.mark.skipif(not (CHECKOUT / "setup.cfg").exists(), reason="needs the checkout")
def test_alembic_runs_in_the_checkout(tmp_path):
    base = [sys.executable, "-m", "alembic", "-c", "setup.cfg", "-x", f"ledger={tmp_path}/try.db"]

    for last in (["upgrade", "head"], ["check"]):
        done = subprocess.run([*base, *last], cwd=CHECKOUT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def next_schema(tmp_path, more="pass"):
    """The schema of a later version of this program."""
    location = tmp_path / "later"
    shutil.copytree(MIGRATIONS, location)
    (location / "versions" / "0010_next.py").write_text(NEXT.format(more=more))
    return Schema(head="0010", migrations=str(location))


@pytest.fixture
def filled(url, path, clock):
    with opening.open_ledger(url, clock) as ledger:
        ledger.windows.record(drained(observation("1")), NOON)
        ledger.journal.intend("1", CREATE, (), NOON, NOON)
    return path


@pytest.mark.covers("F89", "P18")
def test_a_run_migrates_an_older_ledger_and_keeps_a_copy(url, filled, clock, tmp_path):
    before = statements(filled)
    later = next_schema(tmp_path)

    with opening.open_ledger(url, clock, schema=later) as ledger:
        (entry,) = ledger.entries.get(["1"])
        assert len(entry.intents) == 1

    backup = filled.with_name("ledger.db.schema-0009.backup")
    assert "priority" in statements(filled)["entries"]
    assert statements(backup) == before
    assert backup.stat().st_mode & 0o777 == 0o600
    assert not filled.with_name("ledger.db.schema-0009.backup.partial").exists()
    with opening.open_reader(f"sqlite:///{backup}", clock) as reader:
        assert reader.entries.counts_by_state() == {State.IN_FLIGHT: 1}
    with opening.open_ledger(url, clock, schema=later) as ledger:
        assert ledger.entries.counts_by_state() == {State.IN_FLIGHT: 1}


@pytest.mark.parametrize("door", [opening.open_reader, opening.open_scratch])
def test_looking_at_an_older_ledger_migrates_only_a_copy(url, filled, clock, tmp_path, door):
    later = next_schema(tmp_path)
    before = {file.name: file.read_bytes() for file in filled.parent.iterdir()}

    with door(url, clock, schema=later) as ledger:
        assert ledger.entries.counts_by_state() == {State.IN_FLIGHT: 1}

    assert {file.name: file.read_bytes() for file in filled.parent.iterdir()} == before


def test_what_a_later_version_migrated_is_refused_by_this_one(url, filled, clock, tmp_path):
    with opening.open_ledger(url, clock, schema=next_schema(tmp_path)):
        pass
    before = filled.read_bytes()

    with pytest.raises(LedgerError, match="newer version"), opening.open_ledger(url, clock):
        pass

    assert filled.read_bytes() == before


@pytest.mark.covers("F89")
@pytest.mark.parametrize("more", ['op.execute("nonsense")', "os._exit(9)"])
def test_a_migration_that_fails_or_dies_leaves_the_ledger_as_it_was(
    url, filled, clock, tmp_path, more
):
    before = statements(filled)
    later = next_schema(tmp_path, "import os; " + more)
    script = (
        "import sys\n"
        "from reconciler.clock import SystemClock\n"
        "from reconciler.ledger import opening\n"
        "from reconciler.ledger.schema import Schema\n"
        "later = Schema(head='0010', migrations=sys.argv[2])\n"
        "opening.open_ledger(sys.argv[1], SystemClock(), schema=later).__enter__()\n"
    )

    done = subprocess.run([sys.executable, "-c", script, url, later.migrations], check=False)

    assert done.returncode != 0
    with opening.open_ledger(url, clock) as ledger:
        assert ledger.entries.counts_by_state() == {State.IN_FLIGHT: 1}
    assert statements(filled) == before


def test_a_migration_that_loses_rows_is_undone(url, filled, clock, tmp_path, golden):
    later = next_schema(tmp_path, 'op.execute("DELETE FROM entries")')

    with (
        pytest.raises(LedgerError, match="entry: 1") as caught,
        opening.open_ledger(url, clock, schema=later),
    ):
        pass

    golden(by_name(as_shown(caught.value), [(filled, "LEDGER")]))
    with opening.open_ledger(url, clock) as ledger:
        assert ledger.entries.counts_by_state() == {State.IN_FLIGHT: 1}


def test_a_ledger_of_an_unknown_version_is_refused(url, path, clock, golden):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()

    with pytest.raises(LedgerError) as caught, opening.open_ledger(url, clock):
        pass
    golden(by_name(as_shown(caught.value), [(path, "LEDGER")]))


COLUMNS = {
    "meta": "id created_at epoch go_live watermark mapping_version shop account proven_ids_key "
    "creation_stopped has_pushed adopting_since creation_stopped_by history_since",
    "windows": "id run_id starts_at ends_at read_by rows recorded_at",
    "entries": "return_id order_id order_name created_at updated_at content seen wanted "
    "fingerprint mapping_version state reason changed_at due_since attempts next_try_at "
    "pushed_fingerprint asked_for accepted_fingerprint unknown_words not_ours",
    "sale_returns": "id return_id reference sale_id purchase_id fields items vendors",
    "intents": "id return_id fingerprint write before sent_at settle_at absent_at closed_as",
    "attempts": "id return_id at operation target_id answer status detail",
    "malformed": "key problem first_seen last_seen return_id order_name is_partial created_at "
    "updated_at ignored_problem",
    "decisions": "id return_id decided_at decision reason decided_by sale_returns",
    "runs": "id kind started_at finished_at exit_code counts digest message command accepted_by",
    "plans": "digest kept_at members",
    "stopped": "return_id change fingerprint digest stopped_at",
    "spellings": "prefix suffix order_id is_confirmed",
    "forgotten": "hash forgotten_at",
    "told": "channel key kind subject since told_at well_since return_id",
}

PRIVATE = ("email", "mail", "phone", "address", "street", "city", "zip", "customer", "comment")
PRIVATE += ("first_name", "last_name", "label_url", "status_page", "link", "payload", "body")


def fields_of(shape):
    """Every field of a structure that is kept as JSON, however deep."""
    if isinstance(shape, msgspec.inspect.StructType):
        for field in shape.fields:
            yield field.name
            yield from fields_of(field.type)
    for part in ("item_type", "value_type"):
        if hasattr(shape, part):
            yield from fields_of(getattr(shape, part))
    for part in (*getattr(shape, "types", ()), *getattr(shape, "item_types", ())):
        yield from fields_of(part)


@pytest.mark.covers("P17")
def test_every_column_was_looked_at_for_personal_data():
    found = {table.name: " ".join(table.columns.keys()) for table in tables.metadata.sorted_tables}

    assert found == COLUMNS


@pytest.mark.covers("F108")
def test_no_column_and_no_stored_structure_could_hold_personal_data():
    names = set()
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            names.add(column.name)
            if isinstance(column.type, tables.JsonText):
                names.update(fields_of(msgspec.inspect.type_info(column.type.shape)))

    assert {"tracking_number", "order_line_id", "sku"} <= names
    assert {name for name in names for word in PRIVATE if word in name} == set()


def test_a_ledger_of_the_first_schema_is_brought_up_with_all_it_knew(tmp_path, clock):
    path = tmp_path / "first.db"
    older_ledger(
        path,
        "0001",
        "UPDATE meta SET proven_ids_key = 'ids'",
        "INSERT INTO malformed VALUES ('8812', 'state: absent',"
        " '2026-07-01T12:00:00.000000Z', '2026-07-01T12:00:00.000000Z')",
    )

    with opening.open_ledger(f"sqlite:///{path}", clock) as ledger:
        assert ledger.meta.read().watermark == NOON
        assert ledger.meta.read().proven_ids_key is None, "any create counted as proof then"
        assert [row.key for row in ledger.malformed.oldest(9)] == ["8812"]
    assert path.with_name("first.db.schema-0001.backup").exists()


@pytest.mark.parametrize(
    ("kept", "since"),
    [
        (("attempts", "windows"), NOON - 5 * DAY),
        (("attempts",), NOON - 4 * DAY),
        (("windows",), NOON - 5 * DAY),
        ((), NOON - 3 * DAY),
    ],
)
def test_of_an_older_ledger_the_oldest_row_tells_since_when_history_is_whole(
    tmp_path, clock, kept, since
):
    rows = {
        "attempts": "INSERT INTO attempts (return_id, at, operation, target_id, answer)"
        f" VALUES ('1', '{at(NOON - 4 * DAY)}', 'create', 10, 'applied')",
        "windows": "INSERT INTO windows (starts_at, ends_at, read_by, rows, recorded_at)"
        f" VALUES ('{at(NOON)}', '{at(NOON)}', 'updated', 0, '{at(NOON - 5 * DAY)}')",
    }
    path = tmp_path / "older.db"
    ended = "INSERT INTO runs (kind, started_at, finished_at) VALUES ('scheduled', '{0}', '{0}')"
    older_ledger(
        path,
        "0007",
        "INSERT INTO entries (return_id, order_name, created_at, updated_at, content, seen, wanted,"
        " fingerprint, mapping_version, state, attempts, changed_at) VALUES ('1', '#1',"
        f" '{at(NOON)}', '{at(NOON)}', '', '', '', '', '1:x', 'synced', 0, '{at(NOON)}')",
        ended.format(at(NOON - 3 * DAY)),
        *(rows[table] for table in kept),
    )

    with opening.open_reader(f"sqlite:///{path}", clock) as ledger:
        assert ledger.meta.read().history_since == since


def at(instant):
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
