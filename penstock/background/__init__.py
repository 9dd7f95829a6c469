"""Background plugins: run in a function of their own, from their own queue, after the evidence is stored."""
