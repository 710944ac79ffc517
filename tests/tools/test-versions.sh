#!/usr/bin/env bash
# Run the system tests against servers of several versions.
#
#   tests/tools/test-versions.sh BUILD_DIR [NAME...]
#
# NAME is one of debian-servers.sh's (redis-6.0, valkey-8.1, ...); none: those that every change
# must hold for besides the machine's own server. A server that is not there yet is fetched into the
# folder SHACAST_SERVERS, else .servers/ of the project, and stays there.
#
# Prints what run-tests.sh prints for each version, then a line for each. The last line is
# "N passed, N failed", over all versions. A server that is not to be had counts as one failure.
#
# Exit status: 0 everything passed, 1 something failed or nothing ran, 2 usage.
set -uo pipefail

required=(redis-6.0 redis-8.0 valkey-8.1)

if [ $# -lt 1 ] || [ ! -f "$1/CTestTestfile.cmake" ]; then
  echo "usage: test-versions.sh BUILD_DIR [NAME...]   (a folder that cmake has configured)" >&2
  exit 2
fi
build=$1
shift
names=("$@")
[ $# -gt 0 ] || names=("${required[@]}")

tools=$(cd "$(dirname "$0")" && pwd)
servers=${SHACAST_SERVERS:-$tools/../../.servers}
mkdir -p "$servers"
servers=$(cd "$servers" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

missing=()
for name in "${names[@]}"; do
  [ -s "$servers/$name/version" ] || missing+=("$name")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "Fetching into $servers: ${missing[*]}"
  "$tools/debian-servers.sh" "$servers" "${missing[@]}"
  # Names that nobody knows, and not just one that is out of reach today.
  [ $? -ne 2 ] || exit 2
fi

passed=0
failed=0
summary=()
for name in "${names[@]}"; do
  began=$SECONDS
  server=$(find "$servers/$name/bin" -name '*-server' 2>/dev/null | head -n 1)
  if [ ! -x "$server" ]; then
    failed=$((failed + 1))
    summary+=("$(printf '%-24s not to be had; counts as 1 failed' "$name")")
    continue
  fi
  echo
  echo "=== $name: $("$server" --version)"
  SHACAST_REDIS_SERVER=$server "$tools/run-tests.sh" "$build" '^system_' 2>&1 | tee "$work/output"
  status=${PIPESTATUS[0]}
  good=0
  bad=0
  # run-tests.sh counts the cases that did not run for each program only.
  idle=$(awk '/ passed .* failed .* not run +[0-9]+ s$/ { n += $(NF - 4) } END { print n + 0 }' \
    "$work/output")
  if [[ $(tail -n 1 "$work/output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    good=${BASH_REMATCH[1]}
    bad=${BASH_REMATCH[2]}
  fi
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + good))
  failed=$((failed + bad))
  summary+=("$(printf '%-24s %5d passed %5d failed %5d not run %6d s' \
    "$name" "$good" "$bad" "$idle" $((SECONDS - began)))")
done

echo
printf '%s\n' "${summary[@]}"
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
