"""What the ledger remembers, table by table. No column could hold a name, an address or a link.

New ledgers are built from here; `migrations/` brings older ones to the same schema, and a test
compares both. Portable SQLAlchemy Core: nothing here is specific to SQLite.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from reconciler.core.model import (
    Fields,
    IntentOutcome,
    Item,
    Operation,
    Return,
    State,
    UnknownWord,
    Wanted,
    Write,
)
from reconciler.core.records import PlanMember
from reconciler.ledger.columns import EnumText, Instant, JsonText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_STATES = ", ".join(f"'{state}'" for state in State)

meta = Table(
    "meta",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single_row"), primary_key=True),
    Column("created_at", Instant, nullable=False),
    # Raised by each run that takes the lock; every write checks that it is still its own.
    Column("epoch", Integer, nullable=False),
    Column("go_live", Instant, nullable=False),
    Column("watermark", Instant, nullable=False),
    Column("mapping_version", Text, nullable=False),
    Column("shop", Text),
    Column("account", Text),
    Column("proven_ids_key", Text),
    Column("creation_stopped", Text),
    Column("has_pushed", Integer, nullable=False),
    # Since when `init --adopt` looks, while it has not looked everywhere.
    Column("adopting_since", Instant),
    # The return whose create returned too much; deciding about it lets creates be sent again.
    Column("creation_stopped_by", Text),
    # Since when history is whole; empty while nothing of it was ever deleted.
    Column("history_since", Instant),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    # Empty while the run goes on, and forever when it died.
    Column("finished_at", Instant),
    Column("exit_code", Integer),
    Column("counts", JsonText(dict[str, int])),
    Column("digest", Text),
    Column("message", Text),
    # What to type to go on after a stop, where it is one command.
    Column("command", Text),
    # The user who let a part of its plan past the guards with --accept-plan.
    Column("accepted_by", Text),
    Index(None, "kind", "exit_code"),
)

windows = Table(
    "windows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE")),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("read_by", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index(None, "run_id"),
)

entries = Table(
    "entries",
    metadata,
    Column("return_id", Text, primary_key=True),
    Column("order_id", Text),
    Column("order_name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("seen", JsonText(Return), nullable=False),
    Column("wanted", JsonText(Wanted), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("mapping_version", Text, nullable=False),
    Column(
        "state",
        EnumText(State),
        CheckConstraint(f"state IN ({_STATES})", name="known_state"),
        nullable=False,
    ),
    Column("reason", Text),
    Column("changed_at", Instant, nullable=False),
    # Set exactly while the program or a person still has something to do.
    Column("due_since", Instant),
    Column(
        "attempts", Integer, CheckConstraint("attempts >= 0", name="counted_up"), nullable=False
    ),
    Column("next_try_at", Instant),
    Column("pushed_fingerprint", LargeBinary),
    # Someone named it, or its range: go-live does not hold it back.
    Column(
        "asked_for",
        Integer,
        CheckConstraint("asked_for IN (0, 1)", name="yes_or_no"),
        nullable=False,
        server_default="0",
    ),
    # What someone let past the guards: this want, until it is pushed.
    Column("accepted_fingerprint", LargeBinary),
    # Words of Loop that this version does not know; empty where it knows all.
    Column("unknown_words", JsonText(tuple[UnknownWord, ...])),
    # Sale returns that someone decided are not this return's, whatever they hold.
    Column("not_ours", JsonText(tuple[int, ...])),
    Index(None, "state", "return_id"),
    Index(None, "order_id"),
    Index(None, "order_name"),
    Index(None, "created_at"),
    Index(None, "updated_at"),
    Index(None, "changed_at"),
    Index(None, "mapping_version", "return_id"),
    Index(None, "unknown_words"),
)

sale_returns = Table(
    "sale_returns",
    metadata,
    # Jetti's id. Unique over all entries: nothing in Jetti may be ours twice.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("return_id", ForeignKey("entries.return_id", ondelete="CASCADE"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("sale_id", Integer, nullable=False),
    Column("purchase_id", Integer),
    Column("fields", JsonText(Fields), nullable=False),
    Column("items", JsonText(tuple[Item, ...]), nullable=False),
    # Jetti's ids of the vendors of its goods, none where they are in-house. Empty where an older
    # version recorded it.
    Column("vendors", JsonText(tuple[int, ...])),
    Index(None, "return_id"),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("return_id", ForeignKey("entries.return_id", ondelete="CASCADE"), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("write", JsonText(Write), nullable=False),
    Column("before", JsonText(tuple[int, ...]), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("settle_at", Instant, nullable=False),
    Column("absent_at", Instant),
    # What became of the write; empty while nobody knows.
    Column("closed_as", EnumText(IntentOutcome)),
    Index(None, "return_id"),
    Index(None, "sent_at"),
    # An id is never given out again, even after the newest rows were deleted.
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("return_id", ForeignKey("entries.return_id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("operation", EnumText(Operation), nullable=False),
    Column("target_id", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("status", Integer),
    Column("detail", Text),
    Index(None, "return_id"),
    Index(None, "at"),
)

malformed = Table(
    "malformed",
    metadata,
    Column("key", Text, primary_key=True),
    Column("problem", Text, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    # The return it is a row or a part of, and its order, where they can be read.
    Column("return_id", Text),
    Column("order_name", Text),
    # Whether the rest of the row was understood and is pushed.
    Column(
        "is_partial",
        Integer,
        CheckConstraint("is_partial IN (0, 1)", name="yes_or_no"),
        nullable=False,
        server_default="0",
    ),
    # Loop's own times of a row, where they can be read.
    Column("created_at", Instant),
    Column("updated_at", Instant),
    # The problem that someone decided to ignore; another one is reported again.
    Column("ignored_problem", Text),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("return_id", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text),
    # The user of the system.
    Column("decided_by", Text),
    # Those that were named, or said not to be its own.
    Column("sale_returns", JsonText(tuple[int, ...])),
    Index(None, "return_id"),
)

plans = Table(
    "plans",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kept_at", Instant, nullable=False),
    Column("members", JsonText(tuple[PlanMember, ...]), nullable=False),
)

stopped = Table(
    "stopped",
    metadata,
    # Members of plans that a guard stopped and nobody has accepted yet.
    Column("return_id", ForeignKey("entries.return_id", ondelete="CASCADE"), primary_key=True),
    Column("change", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("stopped_at", Instant, nullable=False),
    Index(None, "digest"),
)

spellings = Table(
    "spellings",
    metadata,
    # What orders' names have before and after Jetti's references, for sales found by exact id.
    Column("prefix", Text, nullable=False),
    Column("suffix", Text, nullable=False),
    # The order that showed it first; a second one confirms it, because one proves nothing.
    Column("order_id", Text, nullable=False),
    Column(
        "is_confirmed",
        Integer,
        CheckConstraint("is_confirmed IN (0, 1)", name="yes_or_no"),
        nullable=False,
        server_default="0",
    ),
    PrimaryKeyConstraint("prefix", "suffix"),
)

forgotten = Table(
    "forgotten",
    metadata,
    # Of the id of a return that someone had forgotten: all that is left of it.
    Column("hash", LargeBinary, primary_key=True),
    Column("forgotten_at", Instant, nullable=False),
)

told = Table(
    "told",
    metadata,
    # Through what it was reported: what was sent, and what was printed, are remembered apart.
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("well_since", Instant),
    # Where it is about a return that has an entry; it is forgotten with it.
    Column("return_id", ForeignKey("entries.return_id", ondelete="CASCADE")),
    PrimaryKeyConstraint("channel", "key"),
    Index(None, "return_id"),
)

versions = MetaData()
"""Apart from the rest because Alembic looks after this table itself."""

alembic_version = Table(
    "alembic_version",
    versions,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
