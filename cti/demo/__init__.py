"""``cti demo``: a day in a small contact center, played from recordings of real calls. No PBX, no server, nothing to configure."""

from cti.demo.serve import serve_demo

__all__ = ["serve_demo"]
