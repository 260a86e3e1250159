"""From scores to a proposed step. Pure: no I/O but reading a pack, no clock."""

DISTRIBUTION = "mingbian"
