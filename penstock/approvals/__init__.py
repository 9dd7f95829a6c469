"""A human's answer to a step of a workflow: who may give it, where it waits, and the page that asks."""
