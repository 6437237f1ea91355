"""An MCP server that lets agents in with tokens of one issuer, checked here and without asking anybody."""
