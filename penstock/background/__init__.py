"""Plugins in functions of their own: from their queues after the evidence is stored, and called at gates."""
