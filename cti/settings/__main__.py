"""``python -m cti.settings > docs/reference/configuration.md`` writes the reference page."""

import sys

from cti.settings.reference_page import reference

if __name__ == "__main__":
    sys.stdout.write(reference())
