"""API Gateway event → the request's way → HTTP response."""
