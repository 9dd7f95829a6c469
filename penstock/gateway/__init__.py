"""The request's way: from an HTTP request to an HTTP response, with its evidence. Knows no Lambda event."""
