# Recipes of the workspace. `just --list` shows them.

tablegen := "cargo run --quiet --locked --package opforge-tablegen --"

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
