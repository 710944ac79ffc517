#!/usr/bin/env bash
# The test runner counts right: it is the one tool that must not call a failure a success.
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

exit $wrong
