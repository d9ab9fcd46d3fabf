"""Settings: every source, every limit, and messages that say where, what and the way out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.config import Secret, Settings, environment, load, schema
from reconciler.core.settings import Globs
from reconciler.errors import ConfigError
from tests.support.golden import as_shown, by_name

KEY = "canary-key-5f2c"
Golden = Callable[[str], None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and working directory with nothing in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def said_by(error: ConfigError, home: Path) -> str:
    """An error as it is printed, wherever the settings are."""
    return by_name(as_shown(error), [(home, "HOME")])


@pytest.fixture
def written(home: Path):
    """Load a settings file with this text, and this environment."""

    def load_text(text: str, **environ: str) -> Settings:
        path = home / "given.toml"
        path.write_text(text, encoding="utf-8")
        return load(str(path), environ)

    return load_text


# ------------------------------------------------------------------------------------- sources


def test_nothing_given_means_the_defaults(home: Path) -> None:
    settings = load(None, {})

    assert settings.ledger == f"sqlite:///{home}/.local/state/reconciler/ledger.db"
    assert settings.ledger_path == home / ".local/state/reconciler/ledger.db"
    assert settings.loop.base_url == "https://api.loopreturns.com/api/2026-07"
    assert settings.loop.page_size == 750
    assert settings.loop.lag == timedelta(seconds=120)
    assert settings.jetti.settle == timedelta(seconds=180)
    assert settings.policy.patience == timedelta(hours=24)
    assert settings.guard.share == 0.30
    assert settings.file is None


def test_a_file_says_what_it_says(written) -> None:
    settings = written(
        """
        ledger = "sqlite:////srv/shop/ledger.db"
        [loop]
        page_size = 100
        lag = "5m"
        overlap = 90
        [policy.outcomes]
        include = ["exchange*"]
        [policy]
        held_states = ["review", "expired"]
        [mapping.status.open]
        delivered = "received"
        [mapping.reasons]
        "Too small." = "size"
        [guard]
        share = 1
        """
    )

    assert settings.ledger == "sqlite:////srv/shop/ledger.db"
    assert settings.loop.page_size == 100
    assert settings.loop.lag == timedelta(minutes=5)
    assert settings.loop.overlap == timedelta(seconds=90)
    assert settings.loop.window == timedelta(days=30)
    assert settings.policy.outcomes == Globs(include=("exchange*",))
    assert settings.policy.held_states == ("review", "expired")
    assert settings.mapping.status == {"open": {"delivered": "received"}}
    assert settings.mapping.reasons == {"Too small.": "size"}
    assert settings.guard.share == 1.0


def test_the_environment_overrides_the_file(written) -> None:
    settings = written(
        "[loop]\npage_size = 100\nlag = 1\n",
        RECONCILER_LOOP__PAGE_SIZE="50",
        RECONCILER_LEDGER="sqlite:////tmp/other.db",
        RECONCILER_POLICY__SKUS__EXCLUDE="GIFT*, SAMPLE-1",
        RECONCILER_MAPPING__STATUS__OPEN__IN_TRANSIT="requested",
        RECONCILER_MAPPING__REASONS__Damaged="damaged",
        RECONCILER_GUARD__SHARE="0.5",
        JETTI_BASE_URL="http://127.0.0.1:8081/api/",
    )

    assert settings.loop.page_size == 50
    assert settings.loop.lag == timedelta(seconds=1)
    assert settings.ledger == "sqlite:////tmp/other.db"
    assert settings.policy.skus.exclude == ("GIFT*", "SAMPLE-1")
    assert settings.mapping.status == {"open": {"in_transit": "requested"}}
    assert settings.mapping.reasons == {"Damaged": "damaged"}
    assert settings.guard.share == 0.5
    assert settings.jetti.base_url == "http://127.0.0.1:8081/api"


@pytest.mark.covers("R4")
def test_any_word_of_loop_s_can_be_mapped_in_the_file_and_in_the_environment(written) -> None:
    """Words are compared without regard to case: variables have none."""
    settings = written(
        """
        [mapping.tracking]
        Lost = "failure"
        "held at customs" = "transit"
        available_for_pickup = "delivered"
        [mapping.status.open]
        Lost = "shipped"
        pending = "finalized"
        """,
        RECONCILER_MAPPING__TRACKING__LOST="unknown",
        RECONCILER_MAPPING__TRACKING__none="pre_transit",
        RECONCILER_MAPPING__STATUS__EXPIRED__TELEPORTED="cancelled",
    )

    assert settings.mapping.tracking == {
        "lost": "unknown",
        "held at customs": "transit",
        "available_for_pickup": "delivered",
        "none": "pre_transit",
    }
    assert settings.mapping.status == {
        "open": {"lost": "shipped", "none": "finalized"},
        "expired": {"teleported": "cancelled"},
    }


def test_every_key_can_be_set_by_the_environment() -> None:
    for key in schema.KEYS:
        (given,) = environment.read({environment.variable(key): "x"})
        assert given.key == key


@pytest.mark.parametrize("table", ["loop", "jetti", "policy", "mapping", "guard"])
def test_every_field_of_a_table_is_a_setting(home: Path, table: str) -> None:
    named = {one.key[1] for one in schema.DECLARED if one.key[0] == table}

    assert named == set(getattr(load(None, {}), table).__struct_fields__)


def test_files_are_looked_for_in_the_documented_order(home: Path) -> None:
    user = home / ".config/reconciler/reconciler.toml"
    user.parent.mkdir(parents=True)
    places = [user, home / "reconciler.toml", home / "by-variable.toml", home / "by-option.toml"]
    sizes = []

    for size, place in enumerate(places, start=1):
        place.write_text(f"[loop]\npage_size = {size}\n")
        environ = {"RECONCILER_CONFIG": str(places[2])} if size >= 3 else {}
        named = str(places[3]) if size == 4 else None
        sizes.append(load(named, environ).loop.page_size)

    assert sizes == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("named", "environ"),
    [("no.toml", {}), (None, {"RECONCILER_CONFIG": "no.toml"})],
    ids=["option", "variable"],
)
def test_a_named_file_must_exist(
    home: Path, named: str | None, environ: dict[str, str], golden: Golden
) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml is not a file") as caught:
        load(named, environ)
    golden(said_by(caught.value, home))


@pytest.mark.covers("R11")
@pytest.mark.parametrize("what", ["directory", "link to nowhere", "link to itself"])
def test_what_stands_where_the_file_is_looked_for_is_not_passed_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, what: str, golden: Golden
) -> None:
    """A daemon that reads its settings again would go on with the defaults."""
    monkeypatch.chdir(home)
    place = home / "reconciler.toml"
    if what == "directory":
        place.mkdir()
    else:
        place.symlink_to("nowhere" if what == "link to nowhere" else place)

    with pytest.raises(ConfigError, match=r"reconciler\.toml: is not a file") as caught:
        load(None, {"HOME": str(home)})
    golden(said_by(caught.value, home))


def test_a_file_that_is_not_toml_is_refused_with_its_line(
    written, home: Path, golden: Golden
) -> None:
    with pytest.raises(ConfigError, match=r"given\.toml: is not TOML: .*line 2") as caught:
        written("[loop]\npage_size 5\n")
    golden(said_by(caught.value, home))


def test_a_relative_ledger_is_made_absolute(home: Path) -> None:
    assert load(None, {"RECONCILER_LEDGER": "sqlite:///x.db"}).ledger == f"sqlite:///{home}/x.db"


@pytest.mark.covers("F92")
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/var/lib/shop/x.db", "/var/lib/shop/x.db"),
        ("x.db", "{home}/x.db"),
        ("./data/x.db", "{home}/data/x.db"),
        ("data/x.db", "{home}/data/x.db"),
        ("sqlite:////tmp/x.db", "/tmp/x.db"),
        ("sqlite:///./tmp/x.db", "{home}/tmp/x.db"),
        ("sqlite:///shop/x.db", "{home}/shop/x.db"),
        ("sqlite:///tmp", "{home}/tmp"),
    ],
)
def test_a_ledger_may_be_named_by_its_path_alone(home: Path, written: str, meant: str) -> None:
    settings = load(None, {"RECONCILER_LEDGER": written})

    assert settings.ledger == f"sqlite:///{meant.format(home=home)}"
    assert settings.ledger_path == Path(meant.format(home=home))


@pytest.mark.covers("F92", "R19")
def test_a_service_of_systemd_finds_its_directories(home: Path) -> None:
    """The first of several; what a setting says goes before."""
    configuration = home / "etc"
    configuration.mkdir()
    (configuration / "reconciler.toml").write_text("[loop]\npage_size = 9\n")
    environ = {
        "STATE_DIRECTORY": "/var/lib/reconciler:/var/lib/other",
        "CONFIGURATION_DIRECTORY": f"{configuration}:/etc/other",
    }

    settings = load(None, environ)

    assert settings.ledger == "sqlite:////var/lib/reconciler/ledger.db"
    assert settings.loop.page_size == 9
    assert load(None, environ | {"RECONCILER_LEDGER": "/srv/x.db"}).ledger == "sqlite:////srv/x.db"
    (home / "reconciler.toml").write_text("[loop]\npage_size = 8\n")
    assert load(None, environ).loop.page_size == 8, "the working directory goes before"
    nowhere = {"STATE_DIRECTORY": "relative", "CONFIGURATION_DIRECTORY": ""}
    assert load(None, nowhere).ledger == f"sqlite:///{home}/.local/state/reconciler/ledger.db"


@pytest.mark.covers("R19")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a home")
def test_without_a_home_a_ledger_must_be_named_by_those_who_need_one() -> None:
    program = """
import os, sys
import platformdirs.unix
from reconciler.config import load
os.chdir("/")
os.setuid(54321)
print(load(None, {"RECONCILER_LEDGER": "sqlite:////x.db"}).ledger)
homeless = load(None, {})
print(homeless.has_ledger)
homeless.ledger
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={}, capture_output=True, text=True, check=False
    )

    assert done.stdout == "sqlite:////x.db\nFalse\n"
    assert "ConfigError: RECONCILER_LEDGER: is not set" in done.stderr


# ------------------------------------------------------------------------------------ refusals


BAD_VALUES = [
    ("loop.page_size = 751", "loop.page_size", "751", "1 to 750"),
    ("loop.page_size = 0", "loop.page_size", "0", "1 to 750"),
    ("loop.page_size = true", "loop.page_size", "True", "1 to 750"),
    ("loop.page_size = 7.5", "loop.page_size", "7.5", "1 to 750"),
    ("loop.requests_per_minute = 0", "loop.requests_per_minute", "0", "above 0"),
    ("jetti.writes_per_second = -1", "jetti.writes_per_second", "-1", "above 0"),
    ("jetti.reads_per_second = nan", "jetti.reads_per_second", "nan", "above 0"),
    ("jetti.reads_per_second = inf", "jetti.reads_per_second", "inf", "above 0"),
    ("loop.window = '31d'", "loop.window", "31d", "30d"),
    ("loop.window = 0", "loop.window", "0", "more than 0"),
    ("loop.lag = '-5m'", "loop.lag", "-5m", "90s, 30m, 12h or 7d"),
    ("loop.lag = '5 min'", "loop.lag", "5 min", "90s, 30m, 12h or 7d"),
    ("jetti.settle = -1", "jetti.settle", "-1", "90s, 30m, 12h or 7d"),
    ('jetti.settle = "13h"', "jetti.settle", "13h", "12h"),
    ("policy.patience = 'soon'", "policy.patience", "soon", "90s, 30m, 12h or 7d"),
    ("policy.patience = 2099-01-01", "policy.patience", "2099", "90s, 30m, 12h or 7d"),
    ("policy.held_states = ['reviewed']", "policy.held_states", "reviewed", "review"),
    ("policy.types.include = 5", "policy.types.include", "5", "list"),
    ("policy.types.include = [5]", "policy.types.include", "5", "text"),
    ("mapping.status.open.delivered = 'done'", "mapping.status.open.delivered", "done", "received"),
    ("mapping.status.open.lost = 'done'", "mapping.status.open.lost", "done", "received"),
    ("mapping.tracking.lost = 'gone'", "mapping.tracking.lost", "gone", "pre_transit, transit, delivered, returned, failure, unknown"),  # noqa: E501
    ("mapping.reasons.damaged = ''", "mapping.reasons.damaged", "''", "text"),
    ("guard.share = 1.01", "guard.share", "1.01", "from 0 to 1"),
    ("guard.creates = -1", "guard.creates", "-1", "0 to"),
    ("jetti.cancel_ids_key = 'i d s'", "jetti.cancel_ids_key", "i d s", "letters"),
    ("loop.base_url = 'http://loop.example/api'", "loop.base_url", "http://loop.example", "https://loop.example/api"),
    ("loop.base_url = 'ftp://loop.example'", "loop.base_url", "ftp://", "https://"),
    ("loop.base_url = 'https://h:99999/'", "loop.base_url", "https://h:99999", "https://"),
    ("loop.base_url = 'https://h/api?x=1'", "loop.base_url", "https://h/api", "https://"),
    ("ledger = 'sqlite://'", "ledger", "sqlite:", "/absolute/path"),
    ("ledger = 'sqlite:/x.db'", "ledger", "sqlite:", "/absolute/path"),
    ("ledger = 'mysql://h/x'", "ledger", "mysql:", "/absolute/path"),
    ("ledger = ''", "ledger", "''", "/absolute/path"),
    ("ledger = 7", "ledger", "7", "/absolute/path"),
    ("ledger = ':memory:'", "ledger", "memory", "/absolute/path"),
    ("ledger = '/var/lib/shop/'", "ledger", "shop/", "/absolute/path"),
    ("ledger = '~/ledger.db'", "ledger", "~/ledger.db", "write the path in full"),
    ("ledger = 'sqlite:///~/ledger.db'", "ledger", "~/ledger.db", "write the path in full"),
    ("ledger = 'sqlite:///:memory:'", "ledger", "memory", "/absolute/path"),
    ("ledger = 'sqlite:///var/lib/x.db'", "ledger", "sqlite:///var/lib/x.db", "sqlite:////var/lib/x.db"),
    ("ledger = 'sqlite:///tmp/x.db'", "ledger", "sqlite:///tmp/x.db", "sqlite:////tmp/x.db"),
    ("ledger = 'sqlite:///home/me/x.db'", "ledger", "sqlite:///home/me/x.db", "or just /home/me/x.db"),  # noqa: E501
]  # fmt: skip


@pytest.mark.covers("R19")
@pytest.mark.parametrize(
    ("text", "key", "value", "remedy"), BAD_VALUES, ids=[text for text, *_ in BAD_VALUES]
)
def test_a_bad_value_names_file_key_value_and_the_way_out(
    written, text: str, key: str, value: str, remedy: str, home: Path, golden: Golden
) -> None:
    with pytest.raises(ConfigError) as caught:
        written(text)

    assert f"given.toml: {key}: " in str(caught.value)
    assert value in str(caught.value)
    assert remedy in (caught.value.hint or "")
    golden(said_by(caught.value, home))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1/", "https://h.example/p"]
)
def test_plain_http_stays_on_this_machine(home: Path, url: str) -> None:
    assert load(None, {"LOOP_BASE_URL": url}).loop.base_url == url.rstrip("/")


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.com", "127.0.0.1.example.com"])
def test_a_host_that_only_looks_local_is_refused(home: Path, host: str, golden: Golden) -> None:
    with pytest.raises(ConfigError, match=rf"^JETTI_BASE_URL: .*{host}") as caught:
        load(None, {"JETTI_BASE_URL": f"http://{host}/api"})
    golden(said_by(caught.value, home))


def test_a_bad_value_in_the_environment_names_the_variable(home: Path, golden: Golden) -> None:
    with pytest.raises(ConfigError, match=r"^RECONCILER_LOOP__PAGE_SIZE: '9000'") as caught:
        load(None, {"RECONCILER_LOOP__PAGE_SIZE": "9000"})
    golden(said_by(caught.value, home))


UNKNOWN = [
    ("loop.pagesize = 5", "loop.pagesize", "loop.page_size"),
    ("lop.lag = 5", "lop.lag", "loop.lag"),
    ("zebra.stripes = 'x'", "zebra.stripes", "there are ledger, loop, jetti, policy"),
    ("loop.zebra = 5", "loop.zebra", "there are loop.base_url, loop.page_size"),
    ("jetti.cancel_id_key = 'x'", "jetti.cancel_id_key", "jetti.cancel_ids_key?"),
    ("operations.heartbeat = 'x'", "operations.heartbeat", "operations.heartbeat_url"),
    ("mapping.status.opened.new = 'x'", "mapping.status.opened.new", "mapping.status.open.new"),
    ("[lop]", "lop", "loop, "),
    ("mapping.tracking.lost.new = 'x'", "mapping.tracking.lost.new", "mapping."),
    ("mapping.trackin.new = 'x'", "mapping.trackin.new", "mapping.tracking.new"),
    ("mapping.status.processing.none = 'x'", "mapping.status.processing.none", "mapping."),
    ("mapping.tracking.' ' = 'failure'", "mapping.tracking. ", "mapping.tracking."),
    ("mapping.tracking = 'failure'", "mapping.tracking", "[mapping.tracking]"),
    ("mapping.reasons.a.b = 'x'", "mapping.reasons.a.b", "mapping."),
    ("loop = 5", "loop", "[loop]"),
]


@pytest.mark.parametrize(("text", "key", "nearest"), UNKNOWN, ids=[text for text, *_ in UNKNOWN])
def test_an_unknown_key_names_the_nearest(
    written, text: str, key: str, nearest: str, home: Path, golden: Golden
) -> None:
    with pytest.raises(ConfigError) as caught:
        written(text)

    assert f"given.toml: {key}: " in str(caught.value)
    assert nearest in (caught.value.hint or "")
    golden(said_by(caught.value, home))


@pytest.mark.parametrize("written_as", ["LOOP_API_KEY", "loop_api_key", "jetti_api_token_file"])
def test_an_api_key_in_a_settings_file_is_refused_with_its_place(
    written, written_as: str, home: Path, golden: Golden
) -> None:
    with pytest.raises(ConfigError, match=rf"given\.toml: {written_as}: ") as caught:
        written(f'{written_as} = "{KEY}"')

    assert f"set {written_as.upper()} in the environment" in (caught.value.hint or "")
    assert KEY not in f"{caught.value} {caught.value.hint}"
    golden(said_by(caught.value, home))


@pytest.mark.parametrize(
    ("text", "key", "variable"),
    [
        ("api_key", "api_key", "LOOP_API_KEY or JETTI_API_TOKEN"),
        ("loop.api_key", "loop.api_key", "LOOP_API_KEY"),
        ("jetti.token", "jetti.token", "JETTI_API_TOKEN"),
        ("jetti.secret", "jetti.secret", "JETTI_API_TOKEN"),
    ],
)
def test_what_seems_to_be_an_api_key_is_called_one(
    written, text: str, key: str, variable: str, home: Path, golden: Golden
) -> None:
    with pytest.raises(ConfigError, match=rf"given\.toml: {key}: keys are never read") as caught:
        written(f'{text} = "{KEY}"')

    assert (caught.value.hint or "").startswith(f"set {variable} in the environment")
    assert KEY not in f"{caught.value} {caught.value.hint}"
    golden(said_by(caught.value, home))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RECONCILER_LOOP__PAGESIZE", "RECONCILER_LOOP__PAGE_SIZE"),
        ("RECONCILER_LOOP_PAGE_SIZE", "RECONCILER_LOOP__PAGE_SIZE"),
        ("RECONCILER_LEGDER", "RECONCILER_LEDGER"),
        ("RECONCILER_JETTI_API_TOKEN", "JETTI_API_TOKEN"),
        ("RECONCILER_LOOP", "RECONCILER_LOOP__"),
    ],
    ids=["a part", "one underscore", "a slip", "a key", "a table"],
)
def test_an_unknown_variable_names_the_nearest(
    home: Path, name: str, nearest: str, golden: Golden
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {name: KEY})

    assert str(caught.value).startswith(f"{name}: ")
    assert nearest in (caught.value.hint or "")
    golden(said_by(caught.value, home))


def test_an_empty_table_is_no_mistake(written) -> None:
    assert written("[loop]\n[mapping.reasons]\n[policy.skus]\n").loop.page_size == 750


def test_other_programs_variables_are_none_of_ours(home: Path) -> None:
    load(None, {"LOOP_LEVEL": "x", "PATH": "/bin"})


# ---------------------------------------------------------------------------------------- keys


def test_keys_come_from_the_environment(home: Path) -> None:
    settings = load(None, {"LOOP_API_KEY": f" {KEY}\n", "JETTI_API_TOKEN": "t"})

    assert settings.require_loop_key().reveal() == KEY
    assert settings.require_jetti_token().reveal() == "t"


def test_the_closest_kept_key_wins(home: Path) -> None:
    file, credentials = home / "key", home / "credentials"
    file.write_text("from-file\n")
    file.chmod(0o600)
    credentials.mkdir()
    environ = {"LOOP_API_KEY": "from-environment"}
    found = [load(None, environ).require_loop_key().reveal()]

    environ["LOOP_API_KEY_FILE"] = str(file)
    found.append(load(None, environ).require_loop_key().reveal())
    environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    found.append(load(None, environ).require_loop_key().reveal())
    (credentials / "loop_api_key").write_text("from-systemd")
    found.append(load(None, environ).require_loop_key().reveal())

    assert found == ["from-environment", "from-file", "from-file", "from-systemd"]


def test_missing_keys_matter_only_where_they_are_needed(home: Path, golden: Golden) -> None:
    settings = load(None, {"LOOP_API_KEY_FILE": "/nonexistent"})

    with pytest.raises(ConfigError, match="LOOP_API_KEY_FILE: /nonexistent: No such file") as file:
        settings.require_loop_key()
    with pytest.raises(ConfigError, match="JETTI_API_TOKEN: is not set") as caught:
        settings.require_jetti_token()
    assert "jetti_api_token" in (caught.value.hint or "")
    golden("\n\n".join(said_by(error.value, home) for error in (file, caught)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o777], ids=oct)
def test_a_key_file_that_others_can_read_or_write_is_refused(
    home: Path, mode: int, golden: Golden
) -> None:
    path = home / "key"
    path.write_text(KEY)
    path.chmod(mode)

    with pytest.raises(ConfigError, match=f"mode {mode:04o}") as caught:
        load(None, {"LOOP_API_KEY_FILE": str(path)}).require_loop_key()
    assert caught.value.hint == f"chmod 600 {path}"
    golden(said_by(caught.value, home))


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"two\nlines", b"one two", "schlüssel".encode(), b"\xff\xfe", b"a\x1bb"]
)
def test_a_key_that_no_header_could_carry_is_refused_unseen(
    home: Path, content: bytes, golden: Golden
) -> None:
    path = home / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(ConfigError) as caught:
        load(None, {"LOOP_API_KEY_FILE": str(path)}).require_loop_key()
    assert "LOOP_API_KEY_FILE" in str(caught.value)
    assert "two" not in str(caught.value)
    assert "schl" not in str(caught.value)
    golden(said_by(caught.value, home))


def test_a_directory_is_no_key_file(home: Path, golden: Golden) -> None:
    with pytest.raises(ConfigError, match="is not a file") as caught:
        load(None, {"LOOP_API_KEY_FILE": str(home)}).require_loop_key()
    golden(said_by(caught.value, home))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_key_file_is_refused(home: Path) -> None:
    path = home / "key"
    path.write_text(KEY)
    path.chmod(0o000)

    with pytest.raises(ConfigError, match="Permission denied"):
        load(None, {"LOOP_API_KEY_FILE": str(path)}).require_loop_key()


def test_a_secret_shows_itself_to_nobody(home: Path) -> None:
    settings = load(None, {"LOOP_API_KEY": KEY})

    assert KEY not in f"{settings} {settings!r} {settings.loop_key} {settings.loop_key!r}"
    assert isinstance(settings.loop_key, Secret)


@pytest.mark.parametrize(
    "text",
    [f"loop.api_key = '{KEY}'", f"loop.base_url = 'https://u:{KEY}@h/'"],
    ids=["as a setting", "in an address"],
)
def test_a_key_in_the_wrong_place_is_not_repeated(
    written, text: str, home: Path, golden: Golden
) -> None:
    with pytest.raises(ConfigError) as caught:
        written(text)
    assert KEY not in f"{caught.value} {caught.value.hint}"
    golden(said_by(caught.value, home))


def test_a_database_password_is_not_repeated(written, home: Path, golden: Golden) -> None:
    with pytest.raises(ConfigError) as caught:
        written(f"ledger = 'postgresql+psycopg://u:{KEY}@db/x'")
    assert "postgresql+psycopg:…" in str(caught.value)
    assert KEY not in f"{caught.value} {caught.value.hint}"
    golden(said_by(caught.value, home))
