#!/usr/bin/env sh
# The ten workloads of ../shared/workloads, each with a small number, under valgrind's memcheck: a read or write of memory
# that is not the program's, a decision on memory that was never written, or memory that is lost is an error, and fails.
# One line for each. The build is an optimised one, as only those have threaded code, where most unsafe code is.
set -eu
root="$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)"
cd "$root"

command -v valgrind >/dev/null || {
    echo "memcheck: valgrind is missing; install Debian's package valgrind, or what your system calls it" >&2
    exit 2
}
target="${CARGO_TARGET_DIR:-$root/target}"
cargo build --quiet --release --locked --package opforge-vm --example once
once="$target/release/examples/once"

bad=0
seen=0
# Name, argument, and how many times it is run.
while read -r name number times; do
    seen=$((seen + 1))
    if log="$(valgrind --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible \
        "$once" "bench/workloads/$name.ofa" "$number" "$times" 2>&1)"; then
        printf '%-12s %s\n' "$name" "$(echo "$log" | sed -n 's/.*ERROR SUMMARY: //p')"
    else
        bad=1
        printf '%-12s failed\n%s\n' "$name" "$log"
    fi
done <<LIST
fib 16 1
loop_sum 20000 1
collatz 200 1
mandelbrot 8 1
mix 20000 1
host_call 5000 1
call_in 41 2000
sieve 2 1
matmul 2 1
nbody 500 1
LIST

if [ "$seen" != 10 ]; then
    echo "memcheck: $seen programs instead of ten" >&2
    exit 2
fi
exit "$bad"
