"""From a post to the probability of each head. Knows labels, never policy."""

DISTRIBUTION = "mingbian"
