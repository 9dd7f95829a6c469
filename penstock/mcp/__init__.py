"""What Penstock holds MCP servers to, apart from any wire and any store.

names      tools' names, compared as nobody can spell around them
rules      which tools a key may see and call, on which conditions
schema     the part of JSON Schema that rules for arguments are written in
pinning    what a tool is, as one digest
lockfile   penstock.mcp.lock: the definitions that somebody has approved
scanning   descriptions that speak to the model instead of about the tool
sealing    session ids that only the key that opened them can use
"""
