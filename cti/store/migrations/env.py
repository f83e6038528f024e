"""Run by Alembic. ``schema.py`` hands in a connection that is in a transaction already; nothing else runs migrations."""

from alembic import context

from cti.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
