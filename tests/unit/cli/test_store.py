"""``boatyard store``: what it says, and its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boatyard.app.layout import DataDirectory
from boatyard.app.up import hold
from boatyard.cli.main import main
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put

VALUE = b'{"metadata":{"name":"one","namespace":"default"},"apiVersion":"v1","kind":"ConfigMap"}'


@pytest.fixture
async def data(tmp_path: Path) -> DataDirectory:
    made = DataDirectory(tmp_path / "data")
    made.prepare()
    store = await SqliteStore.open(made.store)
    await store.commit([Put("/registry/core/configmaps/default/one", VALUE)])
    await store.close()
    return made


def run(data: DataDirectory, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["store", *arguments, "--data", str(data.root)])


def test_a_sound_database_is_said_to_be_so(data: DataDirectory):
    told = run(data, "check")
    assert (told.exit_code, told.stdout) == (0, f"{data.store} is sound: 1 records, 1 changes after revision 0, up to 1\n")


def test_what_is_damaged_is_listed_with_the_way_back(data: DataDirectory):
    data.store.write_bytes(data.store.read_bytes().replace(b'"ConfigMap"', b'"ConfigNap"'))
    told = run(data, "check")
    assert told.exit_code == 1
    assert "configmaps/default/one: the record is not what was written" in told.stdout
    assert "boatyard store restore FILE" in told.stderr
    listed = json.loads(run(data, "check", "-o", "json").stdout)
    assert listed["sound"] is False
    assert listed["findings"][0]["where"] == "/registry/core/configmaps/default/one"


def test_what_cannot_be_checked_is_another_exit_code(tmp_path: Path, data: DataDirectory):
    told = run(data, "check", str(tmp_path / "nothing.db"))
    assert (told.exit_code, told.stderr) == (2, f"Error: there is no database at {tmp_path / 'nothing.db'}\n")


def test_backups_of_a_directory_are_named_by_the_time_and_the_oldest_go(tmp_path: Path, data: DataDirectory):
    place = tmp_path / "backups"
    place.mkdir()
    (place / "mine.db").write_text("not one of them")
    for _ in range(4):
        assert run(data, "backup", str(place), "--keep", "2").exit_code == 0
    assert len(list(place.glob("boatyard-*.db"))) == 2
    assert (place / "mine.db").exists()
    refused = run(data, "backup", str(tmp_path / "one.db"), "--keep", "2")
    assert refused.exit_code == 2 and "--keep needs a directory" in refused.stderr


def test_a_restore_is_refused_while_it_runs_and_tells_what_it_did(tmp_path: Path, data: DataDirectory):
    assert run(data, "backup", str(tmp_path / "b.db")).exit_code == 0
    with hold(data):
        refused = run(data, "restore", str(tmp_path / "b.db"))
        assert refused.exit_code == 1 and "another `boatyard up` uses" in refused.stderr
        assert "another `boatyard up` uses" in run(data, "compact").stderr
    done = run(data, "restore", str(tmp_path / "b.db"))
    assert done.stdout == "restored as of revision 1; it goes on at 2000000000\n"
    assert "replaced-1" in done.stderr
    assert run(data, "compact").exit_code == 0
    assert run(data, "check").exit_code == 0
