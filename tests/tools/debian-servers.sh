#!/usr/bin/env bash
# Fetch Redis / Valkey / Redict servers of several Debian releases into a folder,
# each with the libraries and the loader of its own release, so that they run on
# this machine whatever release it has. Nothing of the system is changed: apt runs
# with its own lists, cache and (empty) package database, below DEST, removed at the
# end. Root is not needed.
#
#   debian-servers.sh DEST [NAME...]      NAME as in table() below; none: all of them
#
# Leaves DEST/NAME/bin/{redis,valkey,redict}-{server,sentinel,cli,benchmark} (of one of
# the three) and DEST/NAME/version; a NAME that is there already stays as it is. The bin/
# files exec the program, so the pid of what was started is the pid of the server.
# Exit status: 1 where a NAME was not to be had (the others are there).
# The mirror is the one that this machine's own apt configuration names.
# shellcheck disable=SC2016  # apt's formats and the written scripts have a $ of their own
set -euo pipefail

# NAME  PACKAGE[/SUITE]  SUITES; a suite named *-security is in the security archive.
table() {
  cat <<'T'
redis-6.0   redis-tools               bullseye,bullseye-security
redis-7.0   redis-tools               bookworm,bookworm-security
redict-7.3  redict-tools              bookworm,bookworm-security,bookworm-backports
valkey-8.0  valkey-tools              bookworm,bookworm-security,bookworm-backports
redis-8.0   redis-tools               trixie,trixie-security
valkey-8.1  valkey-tools              trixie,trixie-security
valkey-9.1  valkey-tools              forky
redis-8.6   redis-tools/experimental  sid,experimental
T
}

[ $# -ge 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)
shift
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(table | awk '{print $1}')

# The archive and the security archive, from the machine's own apt configuration.
targets() {
  apt-get --no-release-info indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages'
}
main=$(targets | awk '$3 == "main" && $2 !~ /-/ && !u {u = $1} END {print u}')
security=$(targets | awk '$3 == "main" && $2 ~ /-security$/ && !u {u = $1} END {print u}')
[ -n "$main" ] || { echo "no Debian archive in this machine's apt configuration" >&2; exit 1; }
: "${security:=${main%/}-security/}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
opt=
if [ -r "$keyring" ]; then opt="[signed-by=$keyring] "; fi

apt=$(mktemp -d "$dest/.apt.XXXXXX")
trap 'rm -rf "$apt"' EXIT

# Makes that set's private apt configuration and lists once, and puts its name into conf.
apt_for() { # SUITES
  local s uri d=$apt/$1
  conf=$d/apt.conf
  [ ! -e "$d/ready" ] || return 0
  mkdir -p "$d/state/lists/partial" "$d/cache/archives/partial"
  : >"$d/status"
  : >"$d/sources.list"
  for s in ${1//,/ }; do
    uri=$main
    case $s in *-security) uri=$security ;; esac
    echo "deb $opt$uri $s main" >>"$d/sources.list"
  done
  # Read with -c, so after the machine's own configuration (its proxy, say, still counts).
  cat >"$conf" <<C
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "$d/state";
Dir::State::status "$d/status";
Dir::Cache "$d/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "$d/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Update::Error-Mode "any";
APT::Sandbox::User "";
C
  apt-get -qq -c "$conf" update
  : >"$d/ready"
}

# The shared libraries that it needs, all the way down, without its other dependencies.
libs() { # PACKAGE
  apt-cache -c "$conf" depends -i --recurse "$1" | awk -v top="$1" '
    /^[^ |]/ { at = $1; next }
    $1 == "Depends:" || $1 == "PreDepends:" || $1 == "|Depends:" {
      if ($2 ~ /^lib|^lua-|^zlib1g/) need[at] = need[at] " " $2 }
    END { n = 1; q[1] = top
      for (i = 1; i <= n; i++) { m = split(need[q[i]], w, " ")
        for (j = 1; j <= m; j++) if (!(w[j] in seen)) { seen[w[j]] = 1; q[++n] = w[j]; print w[j] } } }'
}

get() { # NAME PACKAGE[/SUITE] SUITES
  local name=$1 pkg=$2 root=$dest/$1.new conf p t ld dirs stray
  apt_for "$3"
  rm -rf "$root"
  mkdir -p "$root/debs" "$root/bin"
  (cd "$root/debs" && libs "${pkg%/*}" | xargs apt-get -qq -c "$conf" download "$pkg")
  for p in "$root"/debs/*.deb; do dpkg-deb -x "$p" "$root"; done
  dpkg-deb -f "$root"/debs/"${pkg%/*}"_*.deb Package Version >"$root/version"
  (cd "$root" && rm -rf debs etc var lib/systemd usr/share usr/lib/systemd \
    {,usr/}lib/*/{gconv,audit,engines-*,ossl-modules})
  # The real loader file: a link of that name may be absolute and lead out of the folder.
  ld=$(find "$root" -type f \( -name 'ld-linux*.so.*' -o -name 'ld-[0-9]*.so' \) -printf '%P\n' |
    head -n 1)
  dirs=$(cd "$root" && find . -type f -name '*.so*' -printf '%h\n' | sort -u |
    sed 's|^\.|$r|' | paste -sd:)
  # Server, sentinel and the check tools are one program that looks at its own name.
  for p in redis valkey redict; do
    [ -e "$root/usr/bin/$p-check-rdb" ] || continue
    for t in server sentinel check-aof; do ln -sf "$p-check-rdb" "$root/usr/bin/$p-$t"; done
    for t in server sentinel cli benchmark; do
      printf '%s\n' '#!/bin/sh' 'r=$(dirname "$(dirname "$(readlink -f "$0")")")' \
        "exec \"\$r/$ld\" --library-path \"$dirs\" \"\$r/usr/bin/$p-$t\" \"\$@\"" \
        >"$root/bin/$p-$t"
      chmod +x "$root/bin/$p-$t"
    done
    "$root/bin/$p-server" --version >>"$root/version"
    # No library may come from the system.
    stray=$("$root/$ld" --library-path "${dirs//\$r/$root}" --list "$root/usr/bin/$p-server" |
      awk -v r="=> $root/" '$2 == "=>" && !index($0, r)')
    [ -z "$stray" ] || { echo "$name: not from the packages: $stray" >&2; return 1; }
  done
  [ -n "$(ls "$root/bin")" ] || return 1
  rm -rf "${dest:?}/$name"
  mv "$root" "$dest/$name"
}

failed=0
for name in "${names[@]}"; do
  row=$(table | awk -v n="$name" '$1 == n')
  [ -n "$row" ] || { echo "$name: no such name" >&2; exit 2; }
  if [ -s "$dest/$name/version" ]; then
    echo "$name: there already"
    continue
  fi
  set +e # in the condition of an if, the subshell's own set -e would not count
  # shellcheck disable=SC2086
  (set -e && get $row)
  rc=$?
  set -e
  if [ "$rc" = 0 ]; then
    echo "$name: $(tr '\n' ' ' <"$dest/$name/version")"
  else # a suite can leave the mirror (the oldest) or change (testing, experimental)
    echo "$name: not to be had here" >&2
    rm -rf "${dest:?}/$name.new"
    failed=1
  fi
done
exit "$failed"
