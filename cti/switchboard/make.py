"""Settings -> the toll guard and what it goes by."""

import re
from collections.abc import Iterable
from dataclasses import replace

from cti.calls.call import PbxName
from cti.settings import Pbx, Site, Toll
from cti.switchboard.guard import TollGuard
from cti.toll import TollRules


def make_guard(toll: Toll, site: Site, pbxs: Iterable[Pbx]) -> TollGuard:
    usual = TollRules(
        country=site.country,
        allowed_countries=frozenset(toll.allowed_countries),
        premium=toll.premium,
        blocked=tuple(re.compile(pattern) for pattern in toll.blocked),
        calls_per_hour=toll.calls_per_hour,
        emergency_numbers=frozenset(toll.emergency_numbers),
    )
    of_pbxs = {PbxName(pbx.name): replace(usual, internal=re.compile(pbx.internal_pattern)) for pbx in pbxs}
    return TollGuard(usual, of_pbxs)
