"""Paths that no dialect understands and that the operator has opened: bodies pass, nobody reads them."""
