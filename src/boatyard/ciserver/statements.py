"""Every SQL statement of the CI server, each with the question it answers."""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL);
    INSERT INTO counter VALUES (0, 0);
    CREATE TABLE released (number INTEGER PRIMARY KEY);
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY, received REAL NOT NULL, answer TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX deliveries_by_age ON deliveries (received);
    CREATE TABLE intents (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery TEXT NOT NULL UNIQUE, number INTEGER UNIQUE, event BLOB NOT NULL,
        received REAL NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'created', 'skipped')), note TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX intents_open ON intents (seq) WHERE state = 'open';
    CREATE TABLE reports (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, build TEXT NOT NULL, number INTEGER NOT NULL, final INTEGER NOT NULL,
        report BLOB NOT NULL, written REAL NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'done', 'refused')), note TEXT NOT NULL DEFAULT '',
        UNIQUE (build, final)
    );
    CREATE INDEX reports_open ON reports (seq) WHERE state = 'open';
    CREATE INDEX reports_by_number ON reports (number);
    CREATE TABLE builds (number INTEGER PRIMARY KEY, summary BLOB NOT NULL)
    """,
)
"""Step N brings a file of format N-1 to format N. A published step never changes."""

FIND_DELIVERY = "SELECT answer FROM deliveries WHERE id = ?"
"""What was answered to a delivery when it came first?"""

ADD_DELIVERY = "INSERT INTO deliveries (id, received, answer) VALUES (?, ?, ?)"

FORGET_DELIVERIES = """
    DELETE FROM deliveries WHERE received < ? AND id NOT IN (SELECT delivery FROM intents WHERE state = 'open')
"""
"""Deliveries so old that no SCM repeats them."""

FORGET_INTENTS = "DELETE FROM intents WHERE received < ? AND state <> 'open'"

TAKE_RELEASED = "DELETE FROM released WHERE number = (SELECT min(number) FROM released) RETURNING number"
"""A number that was given to a delivery and then not used."""

RELEASE = "INSERT OR IGNORE INTO released (number) VALUES (?)"

NEXT_NUMBER = "UPDATE counter SET number = number + 1 RETURNING number"

LAST_NUMBER = "SELECT number FROM counter"

RAISE_NUMBER = "UPDATE counter SET number = max(number, ?)"
"""No number up to this one is free."""

ADD_INTENT = "INSERT INTO intents (delivery, number, event, received, state) VALUES (?, ?, ?, ?, 'open')"

OPEN_INTENTS = "SELECT seq, delivery, number, event, received FROM intents WHERE state = 'open' ORDER BY seq"
"""What was acknowledged and is no build yet?"""

INTENT = "SELECT seq, delivery, number, event, received FROM intents WHERE state = 'open' AND seq = ?"

SEQ_OF_DELIVERY = "SELECT seq FROM intents WHERE delivery = ?"

CLOSE_INTENT = "UPDATE intents SET state = ?, note = ?, number = ? WHERE seq = ? AND state = 'open'"

RENUMBER_INTENT = "UPDATE intents SET number = ? WHERE seq = ? AND state = 'open'"

SKIPPED = "SELECT delivery, note, received FROM intents WHERE state = 'skipped' ORDER BY seq DESC LIMIT ?"
"""The last deliveries that started nothing, and why."""

ADD_REPORT = "INSERT OR IGNORE INTO reports (build, number, final, report, written, state) VALUES (?, ?, ?, ?, ?, 'open')"
"""The intent to report; one for the start and one for the end of a build, whatever happens how often."""

OPEN_REPORTS = "SELECT seq, number, report FROM reports WHERE state = 'open' ORDER BY seq"

OPEN_REPORTS_OF = "SELECT seq, report, written FROM reports WHERE state = 'open' AND number = ? ORDER BY seq"

CLOSE_REPORT = "UPDATE reports SET state = ?, note = ? WHERE seq = ?"

REPORTS_OF = "SELECT report, state, note FROM reports WHERE number = ? ORDER BY seq"

PUT_BUILD = "INSERT INTO builds (number, summary) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET summary = excluded.summary"

BUILDS_BEFORE = "SELECT number, summary FROM builds WHERE number < ? ORDER BY number DESC LIMIT ?"
"""A page of the history, newest first."""

BUILD = "SELECT summary FROM builds WHERE number = ?"

BUILD_NUMBERS = "SELECT number FROM builds"
