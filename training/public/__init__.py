"""Adapters of public data sets, read through ``--data-dir``; none of their text is kept here."""
