"""What search and likeness read, and a journal that nobody can rewrite; by hand for both databases.

Revision: 0002, after 0001.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE_UP = (
    # Stems, made by the program; the title weighs more. Prefixes of three letters are kept for typing.
    "CREATE VIRTUAL TABLE idea_search USING fts5"
    " (title, rest, tokenize = 'unicode61 remove_diacritics 0', prefix = '3')",
    # Three-letter pieces of titles, and how many titles hold each.
    "CREATE VIRTUAL TABLE idea_gram USING fts5 (title, tokenize = 'trigram')",
    "CREATE VIRTUAL TABLE idea_gram_vocab USING fts5vocab ('idea_gram', 'row')",
    "CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
)
SQLITE_DOWN = (
    "DROP TRIGGER event_is_never_deleted",
    "DROP TRIGGER event_is_never_changed",
    "DROP TABLE idea_gram_vocab",
    "DROP TABLE idea_gram",
    "DROP TABLE idea_search",
)
POSTGRESQL_UP = (
    "CREATE TABLE idea_search ("
    " idea_id integer PRIMARY KEY REFERENCES idea (id) ON DELETE CASCADE, words tsvector NOT NULL)",
    "CREATE INDEX ix_idea_search_words ON idea_search USING gin (words)",
    "CREATE TABLE idea_gram ("
    " idea_id integer PRIMARY KEY REFERENCES idea (id) ON DELETE CASCADE, grams text[] NOT NULL)",
    "CREATE INDEX ix_idea_gram_grams ON idea_gram USING gin (grams)",
    "CREATE TABLE trigram_df (gram text PRIMARY KEY, df integer NOT NULL)",
    "CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE ON event"
    " FOR EACH ROW EXECUTE FUNCTION event_is_append_only()",
    "CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON event"
    " FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only()",
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER event_is_never_emptied ON event",
    "DROP TRIGGER event_is_never_changed ON event",
    "DROP FUNCTION event_is_append_only()",
    "DROP TABLE trigram_df",
    "DROP TABLE idea_gram",
    "DROP TABLE idea_search",
)


def upgrade() -> None:
    """Take the step."""
    _run(SQLITE_UP, POSTGRESQL_UP)


def downgrade() -> None:
    """Take it back. Nothing is lost: both indexes are made anew from the ideas."""
    _run(SQLITE_DOWN, POSTGRESQL_DOWN)


def _run(sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> None:
    for statement in sqlite if op.get_bind().dialect.name == "sqlite" else postgresql:
        op.execute(statement)
