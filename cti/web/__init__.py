"""Console, REST, health and metrics over HTTP: a table of routes, thin handlers, one place for who may what."""
