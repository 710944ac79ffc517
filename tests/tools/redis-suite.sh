#!/usr/bin/env bash
# Run Redis' own test suite against a server and against shacast in front of such a server.
#
#   tests/tools/redis-suite.sh BUILD_DIR [UNIT...]      UNIT as the suite names them (unit/multi);
#                                                       none: all of them
#
# The suite is tests/ of Debian's source package of redis 7.0.15, which is fetched once into
# .servers/redis-suite/ (or SHACAST_SERVERS) with a private apt configuration, checksum and all. It
# runs as it does against any external server; what needs servers of its own is skipped by itself.
# Every unit gets a fresh server (of package redis-tools, or SHACAST_REDIS_SERVER) and, the second
# time, a fresh shacast. Nothing listens or dials beyond 127.0.0.1: where the kernel allows it, all
# of it runs in a network of its own that has only the loopback. redis-suite.txt names the tests
# that are left out for that, and the differences that are explained.
#
# Prints a line for each unit, and each test that passes directly and not through shacast. Leaves
# the table for docs/compatibility.md and every output in BUILD_DIR/redis-suite/; with
# SHACAST_UPDATE_DOCS=1 the table is put into the page. The last line is "N passed, N failed": a
# failure is a difference that is not explained.
#
# SHACAST_SUITE_KEEP=1 takes a unit's outcomes from there if it was run before.
#
# Exit status: 0 no such difference, 1 some, or nothing ran, 2 usage.
set -uo pipefail

version=7.0.15
orig=redis_$version.orig.tar.gz
unit_limit=300 # seconds for one unit, once
quiet_limit=60 # ... and without a word from it

if [ $# -lt 1 ] || [ ! -x "$1/shacast" ]; then
  echo "usage: redis-suite.sh BUILD_DIR [UNIT...]   (a folder with shacast in it)" >&2
  exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
shift
servers=${SHACAST_SERVERS:-$tools/../../.servers}
mkdir -p "$servers"
suite=$(cd "$servers" && pwd)/redis-suite
notes=$tools/redis-suite.txt
page=$tools/../../docs/compatibility.md

fetch() {
  local dir=$suite.new main uri
  rm -rf "$dir"
  mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
  # shellcheck disable=SC2016  # apt's format has a $ of its own
  main=$(apt-get --no-release-info indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' | awk '$3 == "main" && $2 !~ /-/ && !u {u = $1} END {print u}')
  [ -n "$main" ] || { echo "no Debian archive in this machine's apt configuration" >&2; return 1; }
  uri=$main
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg opt=
  [ ! -r "$keyring" ] || opt="[signed-by=$keyring] "
  echo "deb-src $opt$uri bookworm main" >"$dir/apt/sources.list"
  : >"$dir/apt/status"
  # Read with -c, so after the machine's own configuration (its proxy, say, still counts).
  cat >"$dir/apt/apt.conf" <<C
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "$dir/apt";
Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt/cache";
Dir::Etc::SourceList "$dir/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Update::Error-Mode "any";
APT::Sandbox::User "";
C
  (cd "$dir" && apt-get -qq -c apt/apt.conf update &&
    apt-get -qq -c apt/apt.conf source --download-only --tar-only redis >/dev/null &&
    tar xzf "$orig" --strip-components=1 "redis-$version/tests" && rm -rf apt "$orig") || return 1
  rm -rf "$suite"
  mv "$dir" "$suite"
}

if [ ! -e "$suite/tests/test_helper.tcl" ]; then
  echo "Fetching the test suite of Redis $version into $suite"
  fetch || { echo "the suite is not to be had here" >&2; exit 1; }
fi

# A network without any way out.
if [ -z "${SHACAST_SUITE_ALONE:-}" ]; then
  ip=$(PATH=$PATH:/usr/sbin:/sbin command -v ip || true)
  if [ -n "$ip" ] && unshare -rn "$ip" link set lo up 2>/dev/null; then
    # shellcheck disable=SC2016  # for the inner shell
    SHACAST_SUITE_ALONE=1 exec unshare -rn "$BASH" -c '"$0" link set lo up && exec "$@"' \
      "$ip" "$BASH" "$tools/redis-suite.sh" "$build" "$@"
  fi
  echo "No network of its own to be had here: the suite runs in the machine's, on 127.0.0.1."
fi

work=$(mktemp -d)
started=()
stop_all() {
  local pid
  for pid in "${started[@]}"; do kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  started=()
}
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The suite looks for the programs of its own build.
cp -r "$suite/tests" "$work/tests"
mkdir -p "$work/src" "$work/tests/tmp"
server=${SHACAST_REDIS_SERVER:-}
if [ -z "$server" ]; then
  server=$(command -v redis-server || true)
  if [ -z "$server" ]; then # redis-tools has it under another name
    ln -s "$(command -v redis-check-rdb)" "$work/src/redis-server"
    server=$work/src/redis-server
  fi
fi
[ -e "$work/src/redis-server" ] || ln -s "$(readlink -f "$server")" "$work/src/redis-server"
for program in redis-cli redis-benchmark; do
  ln -s "$(command -v "$program")" "$work/src/$program"
done

section() { # NAME: the lines of that section of redis-suite.txt, without comments
  awk -v want="== $1" '/^==/ { on = $0 == want; next } on && !/^#/ && NF' "$notes"
}
section 'left out' | awk '/^\[/ || /^ / { next } { print }' >"$work/skip"
left_units=$(section 'left out' | awk '/^\[/ { unit = $0; gsub(/[][]/, "", unit); next }
  /^\*$/ { print unit }')

free_port() {
  # shellcheck disable=SC2016  # Tcl's
  echo 'set s [socket -server {} -myaddr 127.0.0.1 0]; puts [lindex [fconfigure $s -sockname] 2]' |
    tclsh
}

answers() { # PORT
  local i
  for ((i = 0; i < 200; i++)); do
    [ "$(timeout 5 redis-cli -h 127.0.0.1 -p "$1" ping 2>/dev/null)" != PONG ] || return 0
    sleep 0.05
  done
  return 1
}

# Starts a server, and a shacast in front of it if MODE says so; leaves the port in `port`.
start() { # MODE LOGS
  local dir=$work/data at
  rm -rf "$dir"
  mkdir -p "$dir"
  at=$(free_port)
  # What the suite's own servers have too: DEBUG and the protected settings are allowed.
  "$server" --bind 127.0.0.1 --port "$at" --dir "$dir" --save '' --enable-debug-command yes \
    --enable-protected-configs yes >"$2.server.log" 2>&1 &
  started+=($!)
  answers "$at" || return 1
  port=$at
  [ "$1" = shacast ] || return 0
  port=$(free_port)
  cat >"$work/shacast.toml" <<T
[proxy]
listen = ["127.0.0.1:$port"]
workers = 1

[upstream]
nodes = ["127.0.0.1:$at"]
T
  "$build/shacast" --config "$work/shacast.toml" >"$2.shacast.log" 2>&1 &
  started+=($!)
  answers "$port"
}

# Runs UNIT once; leaves its outcomes in FILE: "ok", "err" or "skip", a tab, the test's name.
run() { # MODE UNIT FILE
  local logs=$out/${2//\//_}.$1
  if start "$1" "$logs"; then
    (cd "$work" && timeout -k 5 "$unit_limit" tclsh tests/test_helper.tcl --host 127.0.0.1 \
      --port "$port" --single "$2" --durable --timeout "$quiet_limit" --skipfile "$work/skip" \
      --tags -slow) </dev/null >"$logs.out" 2>&1
  else
    echo "it did not start" >"$logs.out"
  fi
  stop_all
  sed 's/\x1b\[[0-9;]*m//g' "$logs.out" | awk -v unit="$2" '
    function put(what, name) { n[name]++; print what "\t" name (n[name] > 1 ? " (" n[name] ")" : "") }
    /^\[ok\]: /     { sub(/^\[ok\]: /, ""); sub(/ \([0-9]+ ms\)$/, ""); put("ok", $0) }
    /^\[err\]: /    { sub(/^\[err\]: /, ""); sub(/ in tests\/.*$/, ""); put("err", $0) }
    /^\[skip\]: /   { sub(/^\[skip\]: /, ""); put("skip", $0) }
    /^\[ignore\]: / { sub(/^\[ignore\]: /, ""); put("skip", $0) }
    /^\[exception\]: |^\[TIMEOUT\]/ { put("err", "the unit itself") }
    /^\[[0-9]+\/[0-9]+ done\]: / { done = 1 }
    END { if (!done) put("err", "the unit to its end") }
  ' >"$3"
}

out=$build/redis-suite
mkdir -p "$out"
units=("$@")
if [ $# -eq 0 ]; then
  mapfile -t units < <(cd "$work" && tclsh tests/test_helper.tcl --list-tests)
fi
section explained >"$work/explained"

# What of UNIT is explained: the names in its block.
explained_in() { # UNIT
  awk -v want="[$1]" '/^\[/ { on = $0 == want; next } on && !/^ /' "$work/explained"
}

table=$out/table.md
{
  echo '| unit | direct: passed | failed | skipped | shacast: passed | failed | skipped | differs |'
  echo '|---|---|---|---|---|---|---|---|'
} >"$table"
printf '%-36s %21s   %21s\n' '' 'direct' 'through shacast'
printf '%-36s %21s   %21s\n' unit 'passed failed skipped' 'passed failed skipped'

none=
passed=0
failed=0
for unit in "${units[@]}"; do
  if grep -qxF "$unit" <<<"$left_units"; then
    printf '%-36s left out\n' "$unit"
    echo "| $unit | left out | | | left out | | | |" >>"$table"
    continue
  fi
  name=$out/${unit//\//_}
  if [ "${SHACAST_SUITE_KEEP:-}" != 1 ] || [ ! -s "$name.direct" ] || [ ! -s "$name.shacast" ]; then
    run direct "$unit" "$name.direct"
    run shacast "$unit" "$name.shacast"
  fi
  explained_in "$unit" >"$work/known"
  # Counts, then the tests that pass directly and not through shacast.
  awk -F '\t' -v known="$work/known" '
    BEGIN { while ((getline line < known) > 0) explained[line] }
    FILENAME ~ /direct$/ { if (!($2 in d)) order[++n] = $2; d[$2] = $1; dn[$1]++; next }
    { s[$2] = $1; sn[$1]++ }
    END {
      for (i = 1; i <= n; i++) {
        t = order[i]
        if (d[t] != "ok") { if (d[t] == "err" && s[t] == "ok") print "better\t" t; continue }
        if (s[t] == "ok") continue
        what = (t in explained) ? "explained" : "differs"
        count[what]++
        print what "\t" t (t in s ? "" : " (did not run)")
      }
      printf "counts\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", dn["ok"], dn["err"], dn["skip"], sn["ok"],
        sn["err"], sn["skip"], count["explained"], count["differs"]
    }' "$name.direct" "$name.shacast" >"$work/compared"
  IFS=$'\t' read -r _ d_ok d_err d_skip s_ok s_err s_skip known differs \
    < <(grep '^counts' "$work/compared")
  printf '%-36s %6d %6d %7d   %6d %6d %7d\n' "$unit" "$d_ok" "$d_err" "$d_skip" "$s_ok" "$s_err" \
    "$s_skip"
  grep -v '^counts' "$work/compared" | while IFS=$'\t' read -r what test; do
    case $what in
      explained) echo "    differs, explained: $test" ;;
      differs) echo "    DIFFERS: $test" ;;
      better) echo "    fails only directly: $test" ;;
    esac
  done
  if [ "$d_ok$d_err$s_ok$s_err" = 0000 ]; then
    none="${none:+$none, }$unit"
    continue
  fi
  note=
  [ "$known" -eq 0 ] || note="$known explained"
  [ "$differs" -eq 0 ] || note="${note:+$note, }$differs not explained"
  echo "| $unit | $d_ok | $d_err | $d_skip | $s_ok | $s_err | $s_skip | $note |" >>"$table"
  passed=$((passed + d_ok - known - differs))
  failed=$((failed + differs))
done

if [ -n "$none" ]; then
  printf '\nAll skipped by the suite itself, which would need servers of its own for them: %s.\n' \
    "$none" | fold -s -w 100 | sed 's/ *$//' >>"$table"
fi

if [ "${SHACAST_UPDATE_DOCS:-}" = 1 ]; then
  awk -v table="$table" '
    /<!-- redis-suite: begin -->/ { print; while ((getline line < table) > 0) print line; skip = 1 }
    /<!-- redis-suite: end -->/ { skip = 0 }
    !skip && !/<!-- redis-suite: begin -->/' "$page" >"$work/page" && cp "$work/page" "$page"
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
