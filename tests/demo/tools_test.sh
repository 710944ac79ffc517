#!/usr/bin/env bash
# The test runners count right: they are the tools that must not call a failure a success.
#
#   tools_test.sh SOURCE_DIR
set -uo pipefail

runner=$1/tests/tools/run-tests.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0

# A program that reports as GoogleTest does: fake TESTS FAILURES REST-OF-REPORT STATUS.
cat >"$work/fake" <<'F'
#!/bin/sh
[ "$1" = crash ] && kill -SEGV $$
printf '<testsuites tests="%s" failures="%s" disabled="0">\n%b</testsuites>\n' "$1" "$2" "$3" \
  >"${GTEST_OUTPUT#xml:}"
echo "output of $1"
exit "$4"
F
chmod +x "$work/fake"

# What the runner makes of a folder with these tests. Expect STATUS LAST-LINE TEXT ADD_TEST...
expect() {
  local status=$1 last=$2 text=$3 got
  shift 3
  printf '%s\n' "$@" >"$work/CTestTestfile.cmake"
  "$runner" "$work" >"$work/output" 2>&1
  got=$?
  if [ $got -ne "$status" ] || [ "$(tail -n 1 "$work/output")" != "$last" ] ||
    ! grep -qF -- "$text" "$work/output"; then
    echo "--- of: $*"
    echo "--- expected: status $status, \"$last\" and \"$text\"; got status $got and:"
    cat "$work/output"
    wrong=1
  fi
}

expect 0 "5 passed, 0 failed" "a " "add_test(a \"$work/fake\" 5 0 \"\" 0)"
expect 0 "6 passed, 0 failed" "b " "add_test(a \"$work/fake\" 5 0 \"\" 0)" 'add_test(b true)'
expect 1 "3 passed, 2 failed" "output of 5" "add_test(a \"$work/fake\" 5 2 \"\" 1)"
expect 1 "0 passed, 1 failed" "Failed: a" 'add_test(a false)'
# It says that all is well, and ends as if it were not.
expect 1 "4 passed, 1 failed" "Failed: a" "add_test(a \"$work/fake\" 5 0 \"\" 1)"
expect 1 "5 passed, 1 failed" "Failed: b" "add_test(a \"$work/fake\" 5 0 \"\" 0)" \
  "add_test(b \"$work/fake\" crash)"
expect 1 "0 passed, 1 failed" "Failed: a" 'add_test(a /nonexistent)'
expect 1 "0 passed, 0 failed" "No test ran" ''
# Skipped and disabled cases are no successes, and the reason is told.
skipped='<testcase name=\"C\" status=\"run\" result=\"skipped\" classname=\"S\">\\n'
skipped+='<skipped message=\"f.cc:1&#x0A;too old &amp; slow\"></skipped>\\n'
skipped+='<testcase name=\"D\" status=\"notrun\" result=\"suppressed\" classname=\"S\" />\\n'
expect 0 "1 passed, 0 failed" "S.C: skipped: f.cc:1 too old & slow" \
  "add_test(a \"$work/fake\" 3 0 \"$skipped\" 0)"
expect 0 "1 passed, 0 failed" "S.D: disabled" "add_test(a \"$work/fake\" 3 0 \"$skipped\" 0)"
expect 1 "0 passed, 0 failed" "No test ran" "add_test(a \"$work/fake\" 2 0 \"$skipped\" 0)"

"$runner" "$work/nowhere" >/dev/null 2>&1
[ $? -eq 2 ] || { echo "no build folder must be a usage error"; wrong=1; }

# test-versions.sh gives each server to the tests, and counts over all of them.
versions=$1/tests/tools/test-versions.sh
server() { # NAME
  mkdir -p "$work/servers/$1/bin"
  echo "$1" >"$work/servers/$1/version"
  printf '#!/bin/sh\necho "this is %s"\n' "$1" >"$work/servers/$1/bin/any-server"
  chmod +x "$work/servers/$1/bin/any-server"
}
server old
server new
cat >"$work/looks" <<F
#!/bin/sh
case \$SHACAST_REDIS_SERVER in
  */servers/old/bin/any-server) exec "$work/fake" 5 2 "" 1 ;;
  */servers/new/bin/any-server) exec "$work/fake" 4 0 "$skipped" 0 ;;
esac
exit 1
F
chmod +x "$work/looks"

# Expect STATUS LAST-LINE PATTERN NAME...
expect_versions() {
  local status=$1 last=$2 pattern=$3 got
  shift 3
  SHACAST_SERVERS=$work/servers "$versions" "$work" "$@" >"$work/output" 2>&1
  got=$?
  if [ $got -ne "$status" ] || [ "$(tail -n 1 "$work/output")" != "$last" ] ||
    ! grep -qE -- "$pattern" "$work/output"; then
    echo "--- versions: $*"
    echo "--- expected: status $status, \"$last\" and \"$pattern\"; got status $got and:"
    cat "$work/output"
    wrong=1
  fi
}

printf '%s\n' "add_test(system_a \"$work/looks\")" 'add_test(other_test false)' \
  >"$work/CTestTestfile.cmake"
expect_versions 0 "2 passed, 0 failed" "^new +2 passed +0 failed +2 not run" new
expect_versions 1 "5 passed, 2 failed" "^old +3 passed +2 failed +0 not run" new old
expect_versions 1 "5 passed, 2 failed" "^=== old: this is old" old new
# A server that was fetched, and is not what it should be.
rm "$work/servers/old/bin/any-server"
expect_versions 1 "2 passed, 1 failed" "^old +not to be had" old new
printf '%s\n' 'add_test(other_test true)' >"$work/CTestTestfile.cmake"
expect_versions 1 "0 passed, 1 failed" "^new +0 passed +1 failed" new

exit $wrong
