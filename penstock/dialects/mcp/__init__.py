"""MCP's wire format: JSON-RPC messages over streamable HTTP, versions 2025-03-26 to 2026-07-28."""
