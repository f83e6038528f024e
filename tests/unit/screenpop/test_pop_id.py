"""One ring is one pop, whoever tells of it."""

from datetime import timedelta

from cti.calls.call import LegId, LegState
from cti.calls.frozen import changed
from cti.screenpop.teller import pop_id
from tests.unit.screenpop.stories import MARA, T0, Story


def test_a_reader_that_took_over_in_mid_ring_makes_the_same_pop() -> None:
    """It reads off the PBX's lists that the phone rings, and not since when."""
    story = Story()
    story.offered()
    call = story.rings(MARA).after
    leg = next(leg for leg in call.legs if leg.state is LegState.RINGING)
    late = changed(leg, rang_at=T0 + timedelta(seconds=4))
    other = changed(leg, party=changed(leg.party, leg=LegId("other")))
    assert pop_id(call, leg, MARA.id) == pop_id(call, late, MARA.id) != pop_id(call, other, MARA.id)
