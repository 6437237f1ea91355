"""What is counted while requests are answered (Prometheus). Labels are words of ours, never of a request."""

from prometheus_client import Counter, Histogram

TOKEN_SECONDS = Histogram(
    "remit_token_seconds",
    "Time from a token request's bytes to its answer's, by grant type.",
    ["grant"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
REFUSALS = Counter(
    "remit_refusals", "Refused protocol requests, by error code and the room where they ended.", ["error", "room"]
)
