#!/usr/bin/env sh
# Builds and runs examples/embedder twice, without network: in the tree, and in a temporary folder against the packages
# of the crates as cargo would publish them. Build output stays in target/ (or CARGO_TARGET_DIR), so that a second run
# is quick.
set -eu
root="$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)"
cd "$root"
target="${CARGO_TARGET_DIR:-$root/target}"
# What the example needs, and what those need.
crates="opforge-spec opforge-schema opforge-tables opforge-math opforge-vm opforge-jit opforge opforge-tablegen"

echo "== in the tree"
cargo run --quiet --offline --locked --manifest-path examples/embedder/Cargo.toml --target-dir "$target/embedder"

echo "== against packages"
select=""
for crate in $crates; do select="$select -p $crate"; done
# Not verified: the build below is the proof. Dirty trees are fine while working on one.
# shellcheck disable=SC2086
cargo package --quiet --offline --no-verify --allow-dirty --target-dir "$target" $select

# Always the same place, so that cargo finds what it has built before.
work="$target/embedder-packaged"
rm -rf "$work/packages" "$work/example"
mkdir -p "$work/packages"
cp -R examples/embedder "$work/example"
rm -rf "$work/example/target"
for crate in $crates; do
    archive="$(ls "$target/package/$crate"-[0-9]*.crate)"
    # Packages have one fixed time: with it, what was built from an older one of the same name would pass for new.
    tar -xzmf "$archive" -C "$work/packages"
done
# The paths into the tree go; packages stand in for the registry.
sed 's/path = "[^"]*", //' examples/embedder/Cargo.toml > "$work/example/Cargo.toml"
{
    echo
    echo "[patch.crates-io]"
    for crate in $crates; do
        folder="$(cd "$work/packages" && ls -d "$crate"-[0-9]*)"
        echo "$crate = { path = \"../packages/$folder\" }"
    done
} >> "$work/example/Cargo.toml"
if grep -n "$root" "$work/example/Cargo.toml"; then echo "a path into the tree is left"; exit 1; fi
cargo run --quiet --offline --locked --manifest-path "$work/example/Cargo.toml" --target-dir "$target/embedder"
