"""Where a server stands, whose tokens it takes, and what each of its tools needs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One protected server; `reading` and `writing` are its two scopes, as in `events:read`."""

    port: int
    issuer: str
    name: str
    reading: str
    writing: str

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def resource(self) -> str:
        """The one audience that this server answers to."""
        return f"{self.origin}/mcp"

    @property
    def metadata_path(self) -> str:
        """Between host and path of the resource (RFC 9728 §3.1)."""
        return "/.well-known/oauth-protected-resource/mcp"

    @property
    def things(self) -> str:
        return self.reading.partition(":")[0]

    @property
    def listing_tool(self) -> str:
        return f"list_{self.things}"

    @property
    def creating_tool(self) -> str:
        return f"create_{self.things.removesuffix('s')}"

    @property
    def needs(self) -> Mapping[str, str]:
        """Which scope each tool needs. The server refuses to start with a tool that is not here."""
        return {self.listing_tool: self.reading, self.creating_tool: self.writing}
