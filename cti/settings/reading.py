"""From the file and the environment to ``Settings``: which file holds, what overrules it, and every mistake at once."""

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from cti.errors import ConfigError
from cti.settings.contradictions import contradictions
from cti.settings.environment import Environment, overlay, stray_variables
from cti.settings.model import Settings
from cti.settings.places import Source, lines_of, single_tables
from cti.settings.secret_files import is_private, missing_secrets, open_secrets, secrets_from_files
from cti.settings.words import syntax_finding, words_of


def find(given: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Which file holds: the one given, else ``$CTI_CONFIG``, else ./config/cti.toml, else the one in the package."""
    if given is not None:
        return given
    if named := environ.get("CTI_CONFIG"):
        return Path(named)
    here = Path("config/cti.toml")
    package = Path(str(resources.files("cti")))
    places = (here, package / "data/config/cti.toml", package.parent / "config/cti.toml")  # the last: of a checkout
    return next((place for place in places if place.exists()), here)


def load(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the file found, with the environment over it. Raises ``ConfigError`` with every mistake."""
    file = find(given, environ)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return parse(text, file=file, environ=environ)


def parse(text: str, *, file: Path, environ: Mapping[str, str]) -> Settings:
    """As ``load``, from a file's text. Reads nothing but the secret files that ``..._file`` keys name."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(syntax_finding(file, text, str(error))) from None
    source = Source(str(file), lines_of(text), is_private(file))
    findings = [*single_tables(tree, source), *open_secrets(tree, source), *stray_variables(environ)]
    variables = overlay(tree, Environment(environ)())
    findings += secrets_from_files(tree, source, variables)
    findings += missing_secrets(tree, source, variables)
    try:
        settings = Settings(**tree)
    except ValidationError as error:
        findings += [f"{source.place(e['loc'], variables, tree)}: {words_of(e)}" for e in error.errors()]
        raise ConfigError(*findings) from None
    findings += [f"{source.place(path, variables, tree)}: {words}" for path, words in contradictions(settings)]
    if findings:
        raise ConfigError(*findings)
    return settings
