"""An MCP server that lets agents in with tokens of one issuer: checked here alone, or asked about too."""
