#!/bin/sh
# cargo for aarch64 Linux, from any Linux machine: `scripts/aarch64.sh test --package opforge-jit` builds with a cross
# linker and starts what it built in QEMU. On an aarch64 machine it is plain cargo. `scripts/aarch64.sh --check` only
# looks for the tools. Exit code 2: something is missing; the message says what, and how Debian installs it.
#
# Set from outside, these win: RUSTC, CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER, CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER.
set -eu

readonly TRIPLE=aarch64-unknown-linux-gnu

missing() {
    echo "aarch64: $1" >&2
    echo "  help: $2" >&2
    exit 2
}

# The compiler must have the target's standard library: a library of another compiler cannot be linked.
has_library() {
    sysroot="$("$1" --print sysroot 2>/dev/null)" || return 1
    for library in "$sysroot/lib/rustlib/$TRIPLE/lib"/libstd-*.rlib; do
        if [ -f "$library" ]; then return 0; fi
    done
    return 1
}

find_compiler() {
    if [ -n "${RUSTC:-}" ]; then
        has_library "$RUSTC" || missing "RUSTC=$RUSTC has no standard library for $TRIPLE" "unset RUSTC to use another compiler"
        return
    fi
    for RUSTC in rustc /usr/bin/rustc; do
        if has_library "$RUSTC"; then
            RUSTC="$(command -v "$RUSTC")"
            export RUSTC
            # Documentation tests need the pair.
            if [ -z "${RUSTDOC:-}" ] && [ -x "${RUSTC%/*}/rustdoc" ]; then export RUSTDOC="${RUSTC%/*}/rustdoc"; fi
            return
        fi
    done
    missing "no compiler has a standard library for $TRIPLE" "rustup target add $TRIPLE
  or, as root on Debian 12: dpkg --add-architecture arm64 && apt-get update &&
    apt-get install --no-install-recommends rustc-web libstd-rust-web-dev libstd-rust-web-dev:arm64"
}

find_linker() {
    : "${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER:=aarch64-linux-gnu-gcc}"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER
    command -v "$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER" >/dev/null ||
        missing "no linker $CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER" \
            "apt-get install --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
}

find_runner() {
    if [ -z "${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER:-}" ]; then
        command -v qemu-aarch64 >/dev/null ||
            missing "no emulator qemu-aarch64" "apt-get install --no-install-recommends qemu-user"
        # Programs ask for this loader by its path. QEMU_LD_PREFIX may name a folder that has one, but mixing the
        # cross package's loader with the C library of the arm64 architecture makes new threads hang.
        [ -e "${QEMU_LD_PREFIX:-}/lib/ld-linux-aarch64.so.1" ] ||
            missing "no C library for arm64 programs" \
                "dpkg --add-architecture arm64 && apt-get update && apt-get install --no-install-recommends libc6:arm64"
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64
    fi
    # Tests that start a program of their own read it too.
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER
}

[ "$(uname -s)" = Linux ] || missing "this needs Linux; here is $(uname -s)" "run it on a Linux machine or in a container"
if [ "$(uname -m)" != aarch64 ]; then
    find_compiler
    find_linker
    find_runner
    # Apart from the ordinary build, because the compilers may differ.
    CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/aarch64"
    export CARGO_TARGET_DIR CARGO_BUILD_TARGET="$TRIPLE"
fi
if [ "${1:-}" = --check ]; then
    echo "aarch64: $("${RUSTC:-rustc}" -V), ${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER:-no emulator needed}"
    exit 0
fi
exec cargo "$@"
