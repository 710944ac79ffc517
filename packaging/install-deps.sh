#!/usr/bin/env bash
# Install what this machine lacks of what the project needs.
#
#   packaging/install-deps.sh [build] [test] [lint]     none: all three
#   packaging/install-deps.sh clients                   for `make test-clients` alone
#   packaging/install-deps.sh suite                     for `make test-redis-suite` alone
#
# Debian's packages, by apt: as root, or by sudo where there is one. Says what it installs before it
# does; asks nobody and calls no apt where nothing is missing. On a system without dpkg it only says
# what is needed. What comes with a service (nginx, among the clients) does not start it.
#
# Exit status: 0 all there, 1 something is missing and could not be installed, 2 usage.
set -euo pipefail

packages() { # GROUP
  case $1 in
    build)
      echo g++ cmake ninja-build pkg-config libuv1-dev libhiredis-dev libssl-dev \
        libtomlplusplus-dev libspdlog-dev nlohmann-json3-dev libcli11-dev
      ;;
    # redis-tools has the server too, under another name, and starts no service.
    test) echo libgtest-dev redis-tools ;;
    lint) echo clang-format clang-tidy shellcheck ;;
    # lua-nginx-redis is only there for nginx-extras. Node itself is not among them: Debian's is as
    # good as any other.
    clients)
      echo redis-tools python3-redis php-cli php-redis php-nrk-predis ruby ruby-redis ruby-sidekiq \
        perl libredis-perl libredis-fast-perl nginx-extras lua-nginx-redis golang-go \
        golang-github-gomodule-redigo-dev
      ;;
    suite) echo redis-tools tcl iproute2 ;;
    *) return 1 ;;
  esac
}

is_installed() { # PACKAGE
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

groups=("$@")
[ $# -gt 0 ] || groups=(build test lint)
needed=()
for group in "${groups[@]}"; do
  if ! names=$(packages "$group"); then
    echo "usage: install-deps.sh [build] [test] [lint] [clients] [suite]" >&2
    exit 2
  fi
  read -ra names <<<"$names"
  needed+=("${names[@]}")
done

if ! command -v dpkg-query >/dev/null; then
  echo "No dpkg here. What is needed, by Debian's names: ${needed[*]}" >&2
  exit 0
fi

missing=()
for package in "${needed[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing, and neither root nor sudo to install it: ${missing[*]}" >&2
    echo "As root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing from Debian: ${missing[*]}"
# Packages ask this file whether they may start their services.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod +x $policy
fi

as_root+=(env DEBIAN_FRONTEND=noninteractive)
"${as_root[@]}" apt-get -q -y update || echo "apt-get update failed; trying with the lists that are there" >&2
"${as_root[@]}" apt-get -q -y install --no-install-recommends "${missing[@]}" || true

still=()
for package in "${missing[@]}"; do
  is_installed "$package" || still+=("$package")
done
if [ ${#still[@]} -gt 0 ]; then
  echo "Could not be installed: ${still[*]}" >&2
  exit 1
fi
