"""A full MCP server, to try the gateway's MCP routes with and to hold them against: see README.md."""
