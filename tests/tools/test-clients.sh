#!/usr/bin/env bash
# Run real clients against a server and through shacast, and compare what they got.
#
#   tests/tools/test-clients.sh BUILD_DIR [NAME...]     NAME: a client, or a part of its name
#
# Those of Debian are installed by packaging/install-deps.sh; those of npm, at the versions of
# tests/clients/package-lock.json, go to the folder SHACAST_CLIENTS, else .clients/ of the project,
# and none of their install scripts runs. What is not to be had is left out, by name.
#
# Prints a line for each client; the last line is "N passed, N failed" (see tests/clients/run.py).
# Exit status: 0 everything that could be tried passed, 1 something failed or nothing ran, 2 usage.
set -uo pipefail

if [ $# -lt 1 ] || [ ! -f "$1/CTestTestfile.cmake" ]; then
  echo "usage: test-clients.sh BUILD_DIR [NAME...]   (a folder that cmake has configured)" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${SHACAST_CLIENTS:-$root/.clients}
mkdir -p "$cache"

"$root/packaging/install-deps.sh" clients || echo "Going on without them." >&2

lock=$root/tests/clients/package-lock.json
if ! cmp -s "$lock" "$cache/package-lock.json" || [ ! -d "$cache/node_modules" ]; then
  if command -v npm >/dev/null; then
    echo "Installing from npm into $cache"
    cp "$root/tests/clients/package.json" "$lock" "$cache/"
    if ! (cd "$cache" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
      rm "$cache/package-lock.json" # so that the next run tries again
      echo "npm has not brought them; going on without." >&2
    fi
  else
    echo "No npm here; going on without its clients." >&2
  fi
fi

exec /usr/bin/python3 "$root/tests/clients/run.py" "$1" "$cache" "${@:2}"
