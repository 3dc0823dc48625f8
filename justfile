# Recipes of the workspace. `just --list` shows them.

# List the recipes.
default:
    @just --list

# Everything that CI checks, in the order of what fails fastest.
ci: lint test check-idempotent conformance

# Formatting and lints, as errors.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Put every source file into the workspace's format.
fmt:
    cargo fmt --all

# What a fresh clone needs once: git shows table blobs as text.
setup:
    cargo build --quiet --locked --package opforge-tablegen
    git config diff.opforge.textconv "cargo run --quiet --locked --package opforge-tablegen -- dump"

# Compile spec/ into the literals, the blobs and the opcode enum.
tablegen:
    cargo run --quiet --locked --package opforge-tablegen -- gen

# Fail unless the committed tables are what the spec makes them; generates twice, elsewhere, and leaves the tree alone.
check-idempotent:
    cargo run --quiet --locked --package opforge-tablegen -- check
    cd / && TZ=Pacific/Apia LC_ALL=C cargo run --quiet --locked --manifest-path "{{ justfile_directory() }}/Cargo.toml" \
        --package opforge-tablegen -- check

# Print what the tables mean differently since the commit BASE; fails on a breaking change without a new isa_version.
tables-diff BASE:
    #!/usr/bin/env bash
    set -euo pipefail
    old=$(mktemp -d)
    trap 'rm -rf "$old"' EXIT
    git archive "{{ BASE }}" tables/blobs | tar -x -C "$old"
    cargo run --quiet --locked --package opforge-tablegen -- diff "$old/tables/blobs" tables/blobs

# All tests. The same command stands in the README.
test:
    cargo test --workspace

# The conformance cases, in release: those of ../shared where present, else the committed sample.
conformance:
    cargo test --release --package opforge-conformance -- --nocapture

# Benchmarks; a name selects some.
bench *FILTER:
    cargo bench --workspace -- {{ FILTER }}

# Public documentation, with broken links as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The core for a target without an operating system. Needs `rustup target add x86_64-unknown-none`.
no-std:
    cargo check --target x86_64-unknown-none --package opforge-vm
