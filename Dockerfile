# One image for web, worker, beat and the one-shot provision. Every pinned package has a wheel, so nothing is compiled,
# and the last stage carries neither pip nor a compiler. Writable at run time: /tmp and /var/lib/remit, nothing else.
FROM python:3.11-slim-bookworm AS base
ENV PATH=/opt/remit/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/srv/remit/platform:/srv/remit \
    PYTHONUNBUFFERED=1
WORKDIR /srv/remit


FROM base AS packages
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv --without-pip /opt/remit \
 && /usr/local/bin/python -m pip --python /opt/remit/bin/python install \
      --no-cache-dir --only-binary :all: --require-hashes --requirement /tmp/requirements.txt


FROM packages AS site
COPY . .
# Settings refuse to start without secrets. These are made here, used once and written nowhere.
RUN REMIT_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    REMIT_SEALING_KEYS="$(python -c 'import secrets; print(secrets.token_urlsafe(32))')" \
    REMIT_COLLECTED_STATIC=1 \
    python manage.py collectstatic --no-input \
 && python -m compileall -q .


FROM base
RUN /usr/local/bin/python -m pip uninstall --yes pip setuptools wheel \
 && groupadd --gid 10001 remit \
 && useradd --uid 10001 --gid remit --no-create-home --home-dir /var/lib/remit --shell /usr/sbin/nologin remit \
 && install --directory --owner remit --group remit --mode 0700 /var/lib/remit
COPY --from=packages /opt/remit /opt/remit
COPY --from=site /srv/remit /srv/remit

USER 10001:10001
EXPOSE 8000
# One database connection a thread: raise both together.
ENV GRANIAN_BLOCKING_THREADS=8
# The question carries our own Host, since any other is refused, and a redirect is no answer.
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 CMD ["python", "-c", "\
import http.client, os, urllib.parse; \
ours = urllib.parse.urlsplit(os.environ.get('REMIT_PUBLIC_ORIGIN', 'http://localhost:8000')).netloc; \
door = http.client.HTTPConnection('127.0.0.1', 8000, timeout=3); \
door.request('GET', '/readyz', headers={'Host': ours}); \
raise SystemExit(door.getresponse().status != 200)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "remit.wsgi:application"]
