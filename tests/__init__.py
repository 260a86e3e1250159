"""Tests, which run as many at once as there are cores: each keeps to one thread where it may."""

import os

for _library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
