"""Watching: what changed, how well it goes, and what comes up on many accounts at once."""
