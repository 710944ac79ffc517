# A thin door to cmake, ctest and the scripts. `make help` lists what there is.
#
# What a fresh Debian 12 lacks is installed by packaging/install-deps.sh, which says so first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
JOBS ?= $(shell nproc)
FORMATTED := find proxy replication config bench tests -name '*.h' -o -name '*.cc'
LINTED := find proxy replication config bench -name '*.cc'
SCRIPTS := find . \( -path ./build -o -path ./.servers -o -path ./.clients \) -prune -o -name '*.sh' -print; \
	echo .ci/run

# Compile each thing once where ccache is there.
ifneq ($(shell command -v ccache),)
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
endif

.PHONY: help build demo test test-asan test-tsan test-versions test-clients test-redis-suite \
	test-oracle bench \
	format check-format lint install-deps clean

help:
	@echo "make build          the release build, build/release/shacast"
	@echo "make demo           build, then a short story told with a private replica set"
	@echo "make test           build everything and run all tests (TESTS=regex picks some)"
	@echo "make test-asan      the same with AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make test-tsan      the same with ThreadSanitizer"
	@echo "make test-versions  the system tests against other Redis and Valkey servers, which it"
	@echo "                    fetches (VERSIONS=\"redis-6.0 valkey-9.1\" picks some)"
	@echo "make test-clients   real clients, which it installs, against a server and through shacast"
	@echo "                    (CLIENTS=\"ioredis redigo\" picks some)"
	@echo "make test-redis-suite  Redis' own test suite, which it fetches, against a server and through"
	@echo "                    shacast, in 15 to 20 minutes (UNITS=\"unit/multi unit/expire\" picks some)"
	@echo "make test-oracle    random commands to a server and through shacast, compared byte for byte"
	@echo "                    (ORACLE_COMMANDS=n, ORACLE_SEED=n)"
	@echo "make bench          the benchmark (not there yet)"
	@echo "make format         clang-format, in place"
	@echo "make check-format   fail where clang-format would change something"
	@echo "make lint           clang-tidy over the product, shellcheck over the scripts"
	@echo "make install-deps   install what this machine lacks for all of these"
	@echo "make clean          remove build/, not what lies in .servers/ and .clients/"

build:
	@packaging/install-deps.sh build test
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS)

demo:
	@packaging/install-deps.sh build test
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target shacast
	@build/release/shacast demo

test: build
	@tests/tools/run-tests.sh build/release $(TESTS)

# What is instrumented is slower: every deadline of the tests is longer.
test-asan test-tsan: export SHACAST_TEST_PATIENCE ?= 4
test-asan test-tsan: test-%:
	@packaging/install-deps.sh build test
	@cmake --preset $*
	@cmake --build --preset $* --parallel $(JOBS)
	@tests/tools/run-tests.sh build/$* $(TESTS)

test-versions: build
	@tests/tools/test-versions.sh build/release $(VERSIONS)

test-clients: build
	@tests/tools/test-clients.sh build/release $(CLIENTS)

test-redis-suite: build
	@packaging/install-deps.sh suite
	@tests/tools/redis-suite.sh build/release $(UNITS)

test-oracle: build
	@ORACLE_COMMANDS=$${ORACLE_COMMANDS:-1000000} build/release/system_oracle_test

bench:
	@echo "The benchmark is not there yet; it comes with a later version." >&2
	@exit 1

format:
	@packaging/install-deps.sh lint
	@$(FORMATTED) | xargs clang-format -i

check-format:
	@packaging/install-deps.sh lint
	@$(FORMATTED) | xargs clang-format --dry-run -Werror

# One process for each file, and all complaints before it fails. Clang does not know all of GCC's
# warning options.
lint:
	@packaging/install-deps.sh build test lint
	@cmake --preset release
	@{ $(SCRIPTS); } | xargs shellcheck
	@$(LINTED) | xargs -P $(JOBS) -n 1 clang-tidy --quiet -p build/release \
		--extra-arg=-Wno-unknown-warning-option

install-deps:
	@packaging/install-deps.sh

clean:
	rm -rf build
