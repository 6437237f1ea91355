"""The journey, to run and to read: a protected MCP server, an agent, and the demonstration that plays both."""
