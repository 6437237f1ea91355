"""The web server's entry. It does not start unsafe: errors of the system checks end the process."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remit.settings")
application = get_wsgi_application()

from remit import metrics  # noqa: E402 - needs loaded apps
from remit.checks import refuse_unsafe_start  # noqa: E402

refuse_unsafe_start()
metrics.serve()
