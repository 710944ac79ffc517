#!/usr/bin/env bash
# redis-benchmark: that each of its tests runs to its end, and what it left behind. Its numbers
# differ from run to run and are not shown.
set -uo pipefail
port=$1 user=$2 password=$3
at=(-h 127.0.0.1 -p "$port")

cli() { redis-cli "${at[@]}" "$@" </dev/null; }

# The names of the tests that ran, and what it complained about.
bench() {
  redis-benchmark "${at[@]}" --csv "$@" 2>&1 </dev/null | sed -E 's/^("[^"]*").*/\1/'
}

lose() {
  echo "@lose"
  read -r _
}

echo "== its own tests"
bench -n 2000 -c 20 -q
bench -n 2000 -c 20 -P 16 -t set,get,incr,lpush,lrange_100,mset
cli EXISTS key:__rand_int__ counter:__rand_int__ mylist myset

echo "== RESP3, threads, AUTH, SELECT"
bench -n 2000 -c 10 -3 -t set,get
bench -n 2000 -c 10 --threads 2 -t set,get
bench -n 500 --user "$user" -a "$password" --dbnum 3 -t set
cli -n 3 DBSIZE

echo "== EVALSHA"
sha=$(cli SCRIPT LOAD "return redis.call('INCR', KEYS[1])")
for _ in 1 2 3 4; do
  lose
  bench -n 1000 -c 10 -P 8 EVALSHA "$sha" 1 counted
  cli GET counted
done
bench -n 100 -c 5 EVAL "return redis.call('INCRBY', KEYS[1], ARGV[1])" 1 counted 10
cli GET counted
echo end
