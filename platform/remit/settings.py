"""Every setting, from the environment, safe by default. What each does: docs/operations.md.

A secret `REMIT_X` may instead be a file named by `REMIT_X_FILE`. An unsafe combination does not start
(`remit.checks`).
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from kit import sealing, uris
from remit import logs, rest, schedule

BASE_DIR = Path(__file__).resolve().parents[2]
STATE_DIR = BASE_DIR / "var"
env = environ.FileAwareEnv()

# who we are
PUBLIC_ORIGIN = env.str("REMIT_PUBLIC_ORIGIN", default="http://localhost:8000").rstrip("/")
_origin = urlsplit(PUBLIC_ORIGIN)
IS_HTTPS = _origin.scheme == "https"
ALLOWED_HOSTS = [_origin.hostname or "localhost"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_ORIGIN]
USE_X_FORWARDED_HOST = False
DEBUG = env.bool("REMIT_DEBUG", default=False)
STATUS_PAGE = env.str("REMIT_STATUS_PAGE", default="")
OPERATORS_PATH = env.str("REMIT_OPERATORS_PATH", default="").strip("/")

# secrets
SECRET_KEY = env.str("REMIT_SECRET_KEY", default="")
SEALING_KEYS = [sealing.parse_key(text) for text in env.list("REMIT_SEALING_KEYS", default=[])]

# databases
_SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def _database(variable: str, default: str = "", *, is_application: bool = False) -> dict[str, object]:
    config: dict[str, Any] = dict(env.db_url(variable, default=default))
    config["CONN_MAX_AGE"] = None
    if "postgres" in str(config["ENGINE"]):
        # What kit.statements sends is planned once for each connection.
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "prepare_threshold": 1}
        return {**config, "ENGINE": "kit.postgresql", "OPERATOR": not is_application}
    return {**config, "OPTIONS": dict(_SQLITE)}


DATABASES = {
    "default": _database("REMIT_DATABASE_URL", f"sqlite:///{STATE_DIR / 'remit.sqlite3'}", is_application=True)
}
IS_POSTGRESQL = DATABASES["default"]["ENGINE"] == "kit.postgresql"
if IS_POSTGRESQL:
    if env.str("REMIT_DATABASE_OPERATOR_URL", default=""):
        DATABASES["operator"] = _database("REMIT_DATABASE_OPERATOR_URL")
    if env.str("REMIT_DATABASE_OWNER_URL", default=""):
        DATABASES["owner"] = _database("REMIT_DATABASE_OWNER_URL")
OPERATOR_ALIAS = "operator" if "operator" in DATABASES else "default"
OWNER_ALIAS = "owner" if "owner" in DATABASES else "default"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# limits and lives
CACHE_SECONDS = env.int("REMIT_CACHE_SECONDS", default=5)
CODE_SECONDS = env.int("REMIT_CODE_SECONDS", default=60)
REFRESH_IDLE_DAYS = env.int("REMIT_REFRESH_IDLE_DAYS", default=30)
KEY_DAYS = env.int("REMIT_KEY_DAYS", default=30)
REGISTRATIONS_PER_MINUTE = env.int("REMIT_REGISTRATIONS_PER_MINUTE", default=20)
DEVICE_REQUESTS_PER_MINUTE = env.int("REMIT_DEVICE_REQUESTS_PER_MINUTE", default=20)
DEVICE_TRIES = env.int("REMIT_DEVICE_TRIES", default=5)
DEVICE_TRIES_PER_ADDRESS = env.int("REMIT_DEVICE_TRIES_PER_ADDRESS", default=10)
TENANT_REGISTRATIONS_PER_MINUTE = env.int("REMIT_TENANT_REGISTRATIONS_PER_MINUTE", default=300)
API_REQUESTS_PER_MINUTE = env.int("REMIT_API_REQUESTS_PER_MINUTE", default=600)
TENANT_API_REQUESTS_PER_MINUTE = env.int("REMIT_TENANT_API_REQUESTS_PER_MINUTE", default=6000)
IDLE_REGISTRATION_DAYS = env.int("REMIT_IDLE_REGISTRATION_DAYS", default=30)
NOTICE_DAYS = env.int("REMIT_NOTICE_DAYS", default=90)
JOB_DAYS = env.int("REMIT_JOB_DAYS", default=90)
METRICS_PORT = env.int("REMIT_METRICS_PORT", default=0)
METRICS_HOST = env.str("REMIT_METRICS_HOST", default="127.0.0.1")
METRICS_FOLDER = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
PROXY_COUNT = env.int("REMIT_PROXY_COUNT", default=0)
SIGN_INS_PER_MINUTE = env.int("REMIT_SIGN_INS_PER_MINUTE", default=30)
FAILED_SIGN_INS = env.str("REMIT_FAILED_SIGN_INS", default="10/m/ip,5/300s/key")
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

# the way out
FETCHES_PER_MINUTE = env.int("REMIT_FETCHES_PER_MINUTE", default=30)
FETCH_LOOPBACK_HOSTS = env.list("REMIT_FETCH_LOOPBACK_HOSTS", default=[])
FETCH_CA_FILE = env.str("REMIT_FETCH_CA_FILE", default="")

# applications
INSTALLED_APPS = [
    "remit.apps.RemitConfig",
    "audit",
    "tenants",
    "trust",
    "agents",
    "delegations",
    "tokens",
    "notices",
    "console",
    "api",
    "oauth2_provider",
    "rest_framework",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_filters",
    "csp",
    "django.forms",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "remit.middleware.RequestIdentity",
    "remit.middleware.TenantGate",
    # For pages only, from here on: protocol endpoints have been answered.
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "remit.sessions.TenantSessions",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "remit.sessions.Members",
    "remit.languages.Languages",
    "remit.pauses.Pauses",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.posted.Posted",
]
ROOT_URLCONF = "remit.urls"
TENANT_URLCONF = "remit.tenant_urls"
WSGI_APPLICATION = "remit.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csrf",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.context.tenant_and_member",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CACHES = {"default": env.cache_url("REMIT_CACHE_URL", default="locmemcache://")}
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# mail: without an address to send through, nothing is sent
vars().update(env.email_url("REMIT_MAIL_URL", default="dummymail://"))
DEFAULT_FROM_EMAIL = env.str("REMIT_MAIL_FROM", default=f"Remit <remit@{_origin.hostname}>")
EMAIL_TIMEOUT = 5

# static files
STATIC_URL = "/static/"
STATIC_ROOT = env.path("REMIT_STATIC_ROOT", default=str(STATE_DIR / "static"))()
STATICFILES_DIRS = [BASE_DIR / "static"]
_manifest = Path(STATIC_ROOT) / "staticfiles.json"
STORAGES = {
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if env.bool("REMIT_COLLECTED_STATIC", default=_manifest.exists() and IS_HTTPS)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}
WHITENOISE_USE_FINDERS = not (_manifest.exists() and IS_HTTPS)
WHITENOISE_AUTOREFRESH = DEBUG

# people
AUTH_USER_MODEL = "tenants.User"
# An address names one account of a person's own, and one of each tenant whose provider vouches for it.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "my-agents"
ACCOUNT_ADAPTER = "console.entrance.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {
    "login": f"{SIGN_INS_PER_MINUTE}/m/ip",
    "login_failed": FAILED_SIGN_INS,
    "reauthenticate": "10/m/user",
}
MFA_ADAPTER = "console.entrance.factors.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS and uris.is_loopback(PUBLIC_ORIGIN)
# Admins add people, nobody signs up: there is no account that waits for its address to be confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
MFA_RATE_LIMITS = {"webauthn_login": f"{SIGN_INS_PER_MINUTE}/m/ip"}

# cookies, headers, content security
_prefix = "__Host-" if IS_HTTPS else ""
SESSION_COOKIE_NAME = f"{_prefix}remit"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env.int("REMIT_SESSION_SECONDS", default=12 * 3600)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = f"{_prefix}csrf"
LAST_WAY_COOKIE_NAME = f"{_prefix}way"
MARK_COOKIE_NAME = f"{_prefix}mark"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 63_072_000 if IS_HTTPS else 0
SECURE_SSL_REDIRECT = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

# OAuth
OAUTH2_PROVIDER_APPLICATION_MODEL = "agents.Client"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "tokens.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "tokens.RefreshToken"
OAUTH2_PROVIDER_GRANT_MODEL = "tokens.AuthorizationCode"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "tokens.IDToken"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "tokens.DeviceGrant"
OAUTH2_PROVIDER = {
    "OAUTH2_BACKEND_CLASS": "tokens.dot.backend.Backend",
    "OAUTH2_SERVER_CLASS": "tokens.dot.server.AuthorizationServer",
    "OAUTH2_VALIDATOR_CLASS": "tokens.dot.validator.Validator",
    "PKCE_REQUIRED": True,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "DEFAULT_SCOPES": [],
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE", "REFRESH_TOKEN", "REDIRECT_URI_MATCHING", "PKCE_REQUIRED",
        )
    },
}  # fmt: skip

# REST
REST_FRAMEWORK, SPECTACULAR_SETTINGS = rest.FRAMEWORK, rest.DOCUMENT

# the clock
CELERY_BROKER_URL = env.str("REMIT_BROKER_URL", default="") or "memory://"
CELERY_TASK_ALWAYS_EAGER = not env.str("REMIT_BROKER_URL", default="")
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# In memory: every job is driven by the state of the database, so beat has nothing to remember.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = schedule.JOBS

# logs
LOGGING = logs.configuration(env.str("REMIT_LOG_LEVEL", default="INFO"))
