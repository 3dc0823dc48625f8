# Recipes of the workspace. `just --list` shows them.

tablegen := "cargo run --quiet --locked --package opforge-tablegen --"

# List the recipes.
default:
    @just --list

# Everything that CI checks, in the order of what fails fastest.
ci: lint test check-idempotent conformance test-release icount memcheck example-embedder

# Formatting and lints, as errors.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    # Threaded code is only there in optimised builds.
    cargo clippy --release --locked --package opforge-vm --lib -- -D warnings

# Put every source file into the workspace's format.
fmt:
    cargo fmt --all

# What a fresh clone needs once: git then shows changed tables as text.
setup:
    #!/usr/bin/env sh
    set -eu
    # Inside .git, so that it also works while the workspace does not compile.
    tools="$(git rev-parse --path-format=absolute --git-common-dir)/opforge-tools"
    cargo install --quiet --locked --debug --path tablegen --root "$tools"
    git config diff.opforge.textconv "'$tools/bin/tablegen' dump"

# Compile spec/ into the literals, the tables and the opcode enum.
tablegen:
    {{ tablegen }} gen

# Spec, compiled literals and committed files must agree; each is made twice, and nothing is written.
check-idempotent:
    {{ tablegen }} check

# What changed in the tables since a commit; fails if something breaks without a higher isa_version.
tables-diff BASE:
    #!/usr/bin/env sh
    set -eu
    old="$(mktemp -d)"
    trap 'rm -rf "$old"' EXIT
    git archive {{ quote(BASE) }} tables/blobs | tar -x -C "$old"
    {{ tablegen }} diff "$old/tables/blobs" tables/blobs

# All tests. The same command stands in the README.
test:
    cargo test --workspace

# The conformance cases, on both engines: those of ../shared where present, else the committed sample.
conformance CARGO="cargo":
    #!/usr/bin/env sh
    set -eu
    run="{{ CARGO }} run --quiet --release --locked --package opforge-conformance --"
    corpus=conformance/data/extape_sample.jsonl
    numeric=vm/tests/data/wasm_numeric_sample.csv
    sessions=conformance/data/sessions_sample.json
    if [ -d ../shared/extape ]; then corpus="$(ls ../shared/extape/*.jsonl)"; fi
    if [ -f ../shared/conformance/wasm_numeric.csv ]; then numeric=../shared/conformance/wasm_numeric.csv; fi
    if [ -f ../shared/sessions/cases.json ]; then sessions=../shared/sessions/cases.json; fi
    # File names of the corpus hold no spaces.
    $run extape $corpus
    $run wasm-numeric $numeric
    $run spec-examples
    $run sessions "$sessions" conformance/data/sessions_more.json

# What optimised builds do otherwise: threaded code in front of the interpreter's loop.
test-release:
    cargo test --release --package opforge --test programs
    cargo test --release --package opforge-vm --test execution --test memories --test mutation --test small_stack
    cargo test --release --package opforge-testgen --test interp

# Host instructions that the interpreter takes, counted by valgrind: fails where it is more than 3 % above bench/icount.txt.
icount:
    scripts/icount.sh

# Keep what is counted now as what later changes are compared with.
icount-bless:
    scripts/icount.sh bless

# The ten workloads under valgrind's memcheck: no access to memory that is not theirs, and none lost.
memcheck:
    scripts/memcheck.sh

# The machine, the JIT and the conformance cases on aarch64, in an emulator where need be; says what to install.
test-aarch64: && (conformance "scripts/aarch64.sh")
    @scripts/aarch64.sh --check
    # Optimised: Cranelift is slow in an emulator, and threaded code only stands in front of the loop in such builds.
    # The three tests that are left out run what the recipe `conformance` runs behind them, and shows.
    scripts/aarch64.sh test --release --locked --tests --package opforge-vm --package opforge-jit \
        --package opforge-conformance --package opforge-testgen --package opforge \
        -- --skip whole_corpus_where_present --skip all_rows_where_present --skip all_cases_where_present

# Generated programs on both engines: every observable must be the same. Prints what was exercised.
parity PROGRAMS="100000" SEED="0" THREADS="2":
    OPFORGE_PROGRAMS={{ PROGRAMS }} OPFORGE_SEED={{ SEED }} OPFORGE_THREADS={{ THREADS }} \
        cargo test --release --locked --package opforge-jit --test generated -- --nocapture generated_programs_agree

# Random conversations, projected, compiled, verified and run under every policy. Prints what was exercised.
random-protocols PROTOCOLS="1000" SEED="0" THREADS="2":
    OPFORGE_PROTOCOLS={{ PROTOCOLS }} OPFORGE_SEED={{ SEED }} OPFORGE_THREADS={{ THREADS }} \
        cargo test --release --locked --package opforge-jit --test random_protocols -- --nocapture

# The embedder's example, outside of the workspace: in the tree, and against the crates as they would be published.
example-embedder:
    scripts/example_embedder.sh

# Benchmarks; a name selects some.
bench *FILTER:
    cargo bench --workspace -- {{ FILTER }}

# Interpreter, native code and Rust on the workloads; compile time. Arguments: top of jit/benches/engines.rs.
bench-jit *ARGS:
    cargo bench --package opforge-jit --bench engines -- {{ ARGS }}

# The same workloads beside wasmtime, in a build of its own. Arguments: top of bench/wasmtime/src/main.rs.
bench-wasmtime *ARGS:
    cargo run --release --locked --manifest-path bench/wasmtime/Cargo.toml -- {{ ARGS }}

# The ten workloads beside wasmi, execution_tape, Lua and Rust, in builds of their own. Arguments: `just bench-peers --help`.
bench-peers *ARGS:
    cargo run --release --locked --manifest-path bench/peers/Cargo.toml -- {{ ARGS }}

# Session machines: ours beside Telltale's, in a build of its own. Arguments: top of bench/telltale/src/main.rs.
bench-telltale *ARGS:
    cargo run --release --locked --manifest-path bench/telltale/Cargo.toml -- {{ ARGS }}

# Public documentation, with broken links as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The core for a target without an operating system. Needs `rustup target add x86_64-unknown-none`.
no-std:
    cargo check --target x86_64-unknown-none --package opforge-vm
