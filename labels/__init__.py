"""What is spoken of: taxonomy, records, corpus, label reader. Imports nothing of ours."""

DISTRIBUTION = "mingbian"
