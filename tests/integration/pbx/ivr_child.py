"""The command ``cti``, with a heartbeat of two seconds instead of a minute: a caller of a frozen service is not waited for as
long in a test as in life. All else is as it is shipped."""

from functools import partial

from cti import reception
from cti.cli import main
from cti.telephony.asterisk.agi_server import AgiServer
from cti.telephony.asterisk.agi_voice import Patience

HASTY = Patience(beat_s=2, rewind_s=1, sound_s=3, answer_s=1)

if __name__ == "__main__":
    vars(reception)["AgiServer"] = partial(AgiServer, patience=HASTY)
    main()
