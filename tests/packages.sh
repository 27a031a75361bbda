# SPDX-License-Identifier: MIT
# Sourced by tests/run, tests/matrix, tests/analyse, bench/run and bench/peers/compare: what gclab needs of a
# Debian 12, and how to get it. `one|other` is satisfied by either of two packages; the first is installed.

# To build the library, the program and what analyses its results (GSL, Jansson), and to run CPython beside it.
gclab_build_packages="gcc libc6-dev meson ninja-build pkg-config|pkgconf zlib1g-dev libyaml-dev liburcu-dev libgsl-dev libjansson-dev python3"
# To run the tests: CUnit, objdump and addr2line, gdb, clang with its sanitizers (and what gives
# their reports the names of functions), and what searches models.
gclab_test_packages="libcunit1-dev binutils gdb clang libclang-rt-14-dev llvm valgrind spin"
# To run the peers in C (bench/peers/compare), and, where they can be had, the others.
gclab_peer_packages="libgc-dev libmimalloc-dev"
gclab_peer_language_packages="g++ nim"
# Google Benchmark, and the C++ that its driver needs.
gclab_benchmark_packages="g++ libbenchmark-dev"
# What reads the sources, or runs the suites of core/ under a watch (tests/analyse).
gclab_analysis_packages="clang-tidy cppcheck valgrind"

# Whether a package, or one of `one|other`, is installed.
gclab_has_package() {
    for name in $(printf '%s' "$1" | tr '|' ' '); do
        dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null |
            grep -qx installed && return 0 # and not "not-installed"
    done
    return 1
}

# Installs those of the given packages that are missing. Needs neither network nor root
# where nothing is.
gclab_install() {
    command -v dpkg-query >/dev/null 2>&1 || {
        echo "This is no Debian; these must be there: $*" >&2
        return 0
    }
    missing=
    for package in "$@"; do
        gclab_has_package "$package" || missing="$missing ${package%%|*}"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "These packages are missing, and only root can install them:$missing" >&2
            return 4
        }
        as_root="sudo"
    fi
    echo "== installing$missing"
    log=$(mktemp)
    if $as_root env DEBIAN_FRONTEND=noninteractive sh -ec '
            apt-get -q update
            apt-get -q -y --no-install-recommends install "$@"' sh $missing >"$log" 2>&1 </dev/null
    then
        rm -f "$log"
    else
        tail -n 30 "$log" >&2
        rm -f "$log"
        echo "apt-get could not install$missing" >&2
        return 4
    fi
}
