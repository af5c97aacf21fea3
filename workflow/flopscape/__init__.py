"""Plan, price, run and fit scaling-law sweeps."""

__version__ = "0.1.0"
