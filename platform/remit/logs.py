"""The log: one JSON object a line on stderr, with the request's id, and no library that would print a secret."""

from typing import Any

import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configuration(level: str) -> dict[str, Any]:
    """Set structlog up, and return Django's LOGGING at this level."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": _json()},
        # Django logs every answer of 5xx; only those with an exception behind them are news (/readyz says 503 itself).
        "filters": {
            "exceptions": {"()": "django.utils.log.CallbackFilter", "callback": lambda record: bool(record.exc_info)}
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        # oauthlib prints tokens at DEBUG, Django SQL with its parameters: neither goes below INFO, whatever the level.
        "loggers": {
            "oauthlib": {"level": "INFO"},
            "oauth2_provider": {"level": "INFO"},
            "django.db.backends": {"level": "INFO"},
            "django.request": {"level": "ERROR", "filters": ["exceptions"]},
            "celery": {"level": "WARNING"},
        },
    }


def _json() -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    }
