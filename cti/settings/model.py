"""The whole tree: which tables there are, and the one frozen ``Settings`` that holds them."""

from collections.abc import Mapping
from typing import Final

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from cti.settings.sections import (
    AgentAccount,
    Crm,
    Database,
    Desk,
    Ivr,
    Log,
    Pbx,
    Process,
    Push,
    Queue,
    Recording,
    Redis,
    ResultCode,
    Site,
    Spool,
    Toll,
    Web,
)
from cti.settings.values import Digits, Role

PREFIX: Final = "CTI_"


class Settings(BaseSettings):
    """Everything an operator decides."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    roles: tuple[Role, ...] = ("pbx", "push", "web")
    """What this process does: all of it, or ``pbx`` alone, or ``push`` and ``web``, together or each alone."""
    site: Site = Site()
    pbx: tuple[Pbx, ...] = ()
    """``[[pbx]]``, once for each Asterisk. None: the console runs and says so."""
    web: Web = Web()
    push: Push = Push()
    database: Database = Database()
    spool: Spool = Spool()
    redis: Redis = Redis()
    process: Process = Process()
    crm: Crm = Crm()
    queues: Mapping[str, Queue] = {}
    """``[queues.NAME]``, by the PBX's name of the queue. A queue that is not named here works with the defaults."""
    lines: Mapping[Digits, str] = {}
    """What a dialled number is called on the agent's screen."""
    results: Mapping[str, tuple[ResultCode, ...]] = {}
    """Results an agent picks from, by queue; ``default`` for all others. At most 15 each."""
    desk: Desk = Desk()
    recording: Recording = Recording()
    ivr: Ivr = Ivr()
    toll: Toll = Toll()
    agents: tuple[AgentAccount, ...] = ()
    """``[[agents]]``: accounts made at the first start; afterwards the database has the word."""
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load`` hands over: it has already laid the environment over the file."""
        return (init_settings,)
