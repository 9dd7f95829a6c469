"""Calling providers. The one place where a foreign HTTP answer becomes a value or an `UpstreamError`."""
