#!/usr/bin/env bash
# Make the secrets that docker-compose.yml reads, once. An existing folder is never touched: whoever loses the sealing
# key loses every private key that it sealed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=secrets
if [[ -e $target ]]; then
  echo "$target/ exists already and is left as it is. To start over, move it away first." >&2
  exit 1
fi

# 32 bytes in base64url. It goes into a URL as it is, and a sealing key is exactly this.
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# The folder opens to its owner alone. The files in it are readable, because a container reads them with another uid.
umask 077
draft=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$draft"' EXIT

owner=$(random) application=$(random) operator=$(random) broker=$(random)

write() { printf '%s' "$2" >"$draft/$1"; }
write secret_key "$(random)$(random)"
write sealing_keys "$(random)"
write postgres_password "$owner"
write database_owner_url "postgresql://remit_owner:$owner@postgres:5432/remit"
write database_url "postgresql://remit_app:$application@postgres:5432/remit"
write database_operator_url "postgresql://remit_operator:$operator@postgres:5432/remit"
write redis_password "$broker"
write broker_url "redis://:$broker@redis:6379/0"
write cache_url "redis://:$broker@redis:6379/1"

chmod 0444 "$draft"/*
mv "$draft" "$target"
echo "Wrote $target/. Keep a copy of $target/sealing_keys where the database's backups are not."
