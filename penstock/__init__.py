"""Penstock: a serverless AI gateway with governed plugin gates."""

__version__ = "0.1.0"
