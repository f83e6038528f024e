"""The IVR: flows that integrators write in files, run for one caller each, with every step on record."""
