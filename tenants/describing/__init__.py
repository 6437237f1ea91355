"""What a document says of an API or MCP server, as scopes that an admin may add to it: proposals, and nothing more."""
