"""Alembic's entry; the connection, in a transaction, is handed over by the caller."""

from alembic import context

from serving.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
)
context.run_migrations()
