"""The test bed's own tests use its fixtures."""

from tests.testbed.fixtures import ami_proxy, asterisk, asterisk_16, asterisk_22, asterisk_of, stage

__all__ = ["ami_proxy", "asterisk", "asterisk_16", "asterisk_22", "asterisk_of", "stage"]
