"""From labelled posts to a model bundle. Needs the ``train`` extra."""

DISTRIBUTION = "mingbian"
