"""Where the record is, before anything is asked of it."""

import pytest
from sqlalchemy.pool import QueuePool

from cti.errors import ConfigError
from cti.store.database import Database, async_url


@pytest.mark.parametrize("url", ["nothing", "postgresql://cti@localhost:x/cti", "mysql://cti@localhost/cti"])
def test_what_is_no_place_for_a_record_is_a_configuration_mistake(url: str) -> None:
    with pytest.raises(ConfigError, match="database: "):
        async_url(url)


async def test_so_many_connections_as_were_asked_for_are_kept_and_as_many_again_at_most() -> None:
    database = Database("postgresql://cti@localhost/cti", pool_size=3)
    pool = database.engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    assert (pool.size(), pool._max_overflow) == (3, 3)
    await database.close()
