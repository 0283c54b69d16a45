"""Every SQL statement of the SQLite store, named and described.

``current`` holds the values as they are. ``history`` is an undo log: a row tells what a key's value was *before* a change, so each
value is written once when it is current and once when it is replaced, and both the past of a range and the events since a revision
can be told from it. A row's ``position`` is ``revision << 12 | number within the commit``.
"""

APPLICATION_ID = 0x426F6174
FORMAT = 2
POSITION_BITS = 12
MAX_OPERATIONS = 1 << POSITION_BITS

CREATE = """
CREATE TABLE current (key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
  sum INTEGER NOT NULL);
CREATE TABLE history (position INTEGER PRIMARY KEY, key TEXT NOT NULL, previous BLOB, created INTEGER NOT NULL,
  modified INTEGER NOT NULL, deleted INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('revision', 0), ('compacted', 0), ('history_bytes', 0);
"""
"""``history.created`` and ``history.modified`` are the revisions of the value before; 0 where there was none. ``sum`` is a checksum
of the rest of its row (``sums.py``)."""

GET = "SELECT key, value, created, modified, sum FROM current WHERE key = ?"
RANGE = "SELECT key, value, created, modified, sum FROM current WHERE key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
COUNT = "SELECT count(*) FROM current WHERE key > ? AND key >= ? AND key < ?"
REVISION = "SELECT value FROM state WHERE name = 'revision'"
COMPACTED = "SELECT value FROM state WHERE name = 'compacted'"
HISTORY_BYTES = "SELECT value FROM state WHERE name = 'history_bytes'"
LAST_POSITION = "SELECT max(position) FROM history"

CHANGES_SINCE = """SELECT position, key, previous, created, modified, deleted, sum FROM history
WHERE position >= ? AND key >= ? AND key < ? ORDER BY position"""
"""What happened to a range of keys from a position on."""

INSERT = "INSERT INTO current (key, value, created, modified, sum) VALUES (?, ?, ?, ?, ?)"
UPDATE = "UPDATE current SET value = ?, modified = ?, sum = ? WHERE key = ?"
DELETE = "DELETE FROM current WHERE key = ?"
LOG = "INSERT INTO history (position, key, previous, created, modified, deleted, sum) VALUES (?, ?, ?, ?, ?, ?, ?)"
SET_REVISION = "UPDATE state SET value = ? WHERE name = 'revision'"
SET_COMPACTED = "UPDATE state SET value = ? WHERE name = 'compacted'"
SET_HISTORY_BYTES = "UPDATE state SET value = ? WHERE name = 'history_bytes'"

OLDEST = """SELECT max(position), count(*), total(length(key) + coalesce(length(previous), 0)) FROM
(SELECT position, key, previous FROM history WHERE position < ? ORDER BY position LIMIT ?)"""
"""A small bite of compaction, so that a commit never waits long behind it: where it ends, its rows and bytes."""
FORGET = "DELETE FROM history WHERE position <= ?"
