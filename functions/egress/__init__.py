"""The egress function: sends requests of plugins whose own functions have no route out."""
