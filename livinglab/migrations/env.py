"""How alembic runs here: on the connection the program hands it, in batches on SQLite."""

from alembic import context
from sqlmodel import SQLModel

from livinglab.core.schema import own_table
from livinglab.migrations import models

assert models.TABLES_OF
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    include_object=own_table,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
