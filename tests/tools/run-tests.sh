#!/usr/bin/env bash
# Run every test that is registered in a build folder, and count test cases.
#
#   tests/tools/run-tests.sh BUILD_DIR [REGEX]
#
# A GoogleTest program counts as many cases as it ran, any other test as one. REGEX picks tests by
# their name in ctest. What failed is printed in full; what was skipped or is disabled, with its
# reason. The last line is "N passed, N failed".
#
# Exit status: 0 everything passed, 1 something failed or nothing ran, 2 usage.
set -uo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -f "$1/CTestTestfile.cmake" ]; then
  echo "usage: run-tests.sh BUILD_DIR [REGEX]   (a folder that cmake has configured)" >&2
  exit 2
fi
build=$(cd "$1" && pwd)
pick=${2:-.}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# From "  Test  #3: config_test" the number and the name.
mapfile -t tests < <(ctest --test-dir "$build" -N -R "$pick" |
  sed -n 's/^ *Test *#\([0-9]*\): \(.*\)$/\1 \2/p')

passed=0
failed=0
failures=()
skipped=()

# The number behind NAME in the line for the whole report.
total() { # REPORT NAME
  sed -n "s/^<testsuites.* $2=\"\([0-9]*\)\".*/\1/p" "$1"
}

# Lines "Suite.Case: reason" of what was skipped or is disabled.
not_run() { # REPORT
  awk '
    function attribute(name,  at) {
      if (!match($0, " " name "=\"[^\"]*\"")) return ""
      return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    }
    /<testcase / {
      result = attribute("result")
      case_name = attribute("classname") "." attribute("name")
      if (result == "suppressed") print case_name ": disabled"
    }
    /<skipped message=/ {
      reason = attribute("message")
      gsub(/&#x0[Aa];/, " ", reason); gsub(/&quot;/, "\"", reason); gsub(/&apos;/, "\x27", reason)
      gsub(/&lt;/, "<", reason); gsub(/&gt;/, ">", reason); gsub(/&amp;/, "\\&", reason)
      print case_name ": skipped: " reason
    }' "$1"
}

for test in "${tests[@]}"; do
  number=${test%% *}
  name=${test#* }
  report=$work/report.xml
  rm -f "$report"
  began=$SECONDS
  GTEST_OUTPUT=xml:$report ctest --test-dir "$build" -I "$number,$number" --output-on-failure \
    --no-tests=error >"$work/output" 2>&1
  status=$?
  ran=1
  bad=0
  idle=0
  if [ -s "$report" ]; then
    ran=$(total "$report" tests)
    bad=$(total "$report" failures)
    idle=$(not_run "$report" | wc -l)
    while IFS= read -r line; do skipped+=("$line"); done < <(not_run "$report")
  fi
  # It crashed, took too long, failed outside of a case, or is no GoogleTest program.
  if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
    [ "$ran" -gt "$idle" ] || ran=$((idle + 1))
  fi
  good=$((ran - bad - idle))
  passed=$((passed + good))
  failed=$((failed + bad))
  if [ $status -ne 0 ]; then
    failures+=("$name")
    cat "$work/output"
  fi
  printf '%-24s %5d passed %5d failed %5d not run %6d s\n' \
    "$name" "$good" "$bad" "$idle" $((SECONDS - began))
done

if [ ${#skipped[@]} -gt 0 ]; then
  echo
  echo "Not run:"
  printf '  %s\n' "${skipped[@]}"
fi
if [ ${#failures[@]} -gt 0 ]; then
  echo
  echo "Failed: ${failures[*]}"
fi
if [ $((passed + failed)) -eq 0 ]; then
  echo "No test ran." >&2
fi
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
