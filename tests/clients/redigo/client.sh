#!/usr/bin/env bash
# Builds redigo's program with Debian's Go and Debian's sources, and becomes it.
set -euo pipefail
cache=${SHACAST_CLIENTS_CACHE:?}
export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$cache/go-build GOFLAGS=-buildvcs=false
/usr/bin/go build -o "$cache/redigo-client" "$(dirname "$0")/client.go"
exec "$cache/redigo-client" "$@"
