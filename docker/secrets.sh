#!/bin/sh
# Make the secrets compose.yaml hands out, once: docker/secrets/, readable by its owner only.
# They are files, so that none stands in an argument, in an image or in `docker inspect`.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
for name in events_secret commands_secret fastagi_secret postgres_password phone_password; do
    [ -s "secrets/$name" ] || random > "secrets/$name"
done
[ -s secrets/database_url ] || printf 'postgresql://cti:%s@postgres/cti' "$(cat secrets/postgres_password)" > secrets/database_url
# the containers' users are others than ours: the folder keeps strangers out, the files may be read
chmod 644 secrets/*
