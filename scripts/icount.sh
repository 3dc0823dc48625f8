#!/usr/bin/env sh
# Host instructions that the interpreter takes for a unit of some workloads, counted by callgrind: the same for the same
# binary, whatever else the machine does. `scripts/icount.sh` compares them with bench/icount.txt and fails where one is
# more than 3 % higher; `scripts/icount.sh bless` writes that file anew. Each figure is that of a long run less that of a
# short one, so that starting and loading do not count.
set -eu
root="$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)"
cd "$root"
baseline=bench/icount.txt
most=3

command -v valgrind >/dev/null || {
    echo "icount: valgrind is missing; install Debian's package valgrind, or what your system calls it" >&2
    exit 2
}
target="${CARGO_TARGET_DIR:-$root/target}"
cargo build --quiet --release --locked --package opforge-vm --example once
once="$target/release/examples/once"

# The instructions of a whole process that runs a workload.
count() {
    log="$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$once" "bench/workloads/$1.ofa" "$2" 2>&1)" || {
        echo "icount: $1 $2: $log" >&2
        exit 2
    }
    echo "$log" | sed -n 's/.*Collected : //p'
}

# Name, what is counted, arguments of the short and the long run, units between them.
figures() {
    while read -r name unit short long units; do
        few="$(count "$name" "$short")"
        many="$(count "$name" "$long")"
        awk -v name="$name" -v unit="$unit" -v few="$few" -v many="$many" -v units="$units" \
            'BEGIN { printf "%-12s %8.2f instructions a %s\n", name, (many - few) / units, unit }'
    done <<LIST
fib call 18 22 48952
loop_sum iteration 50000 550000 500000
mandelbrot iteration 1 4 77542
sieve byte 1 4 196608
LIST
}

if [ "${1:-check}" = bless ]; then
    figures > "$baseline.new"
    mv "$baseline.new" "$baseline"
    cat "$baseline"
    exit
fi

figures | awk -v most="$most" -v baseline="$baseline" '
    BEGIN { while ((getline line < baseline) > 0) { split(line, part, " "); before[part[1]] = part[2] } }
    {
        known = ($1 in before)
        change = known ? ($2 / before[$1] - 1) * 100 : 0
        print $0 (known ? sprintf("; was %.2f, %+.1f %%", before[$1], change) : "; not in " baseline)
        if (!known || change > most) { bad = 1 }
        if (change < -most) { better = 1 }
        seen++
    }
    END {
        if (better) { print "fewer than before: `just icount-bless` keeps the gain" }
        if (bad) { printf "icount: more than %d %% above %s; where it is meant to be: just icount-bless\n", most, baseline; exit 1 }
        if (!seen) { print "icount: nothing was counted"; exit 2 }
    }'
