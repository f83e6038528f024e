"""``python -m cti.ivr > docs/reference/ivr.md`` writes the reference page."""

import sys

from cti.ivr.reference_page import reference

if __name__ == "__main__":
    sys.stdout.write(reference())
