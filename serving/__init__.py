"""Posts in, results out: files, HTTP, and the engine behind both."""

DISTRIBUTION = "mingbian"
