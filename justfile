# Recipes of the workspace. `just --list` shows them.

# What a fresh clone needs once: git shows table blobs as text.
setup:
    cargo build --quiet --locked --package opforge-tablegen
    git config diff.opforge.textconv "cargo run --quiet --locked --package opforge-tablegen -- dump"

# Compile spec/ into the literals, the blobs and the opcode enum.
tablegen:
    cargo run --quiet --locked --package opforge-tablegen -- gen
