//! Merges the rows of `spec/game.json` with those of the VM into tables in `OUT_DIR`; a finding fails the build.

fn main() {
    opforge_tablegen::overlay::Build::new("spec/game.json").emit();
}
