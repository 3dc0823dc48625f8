//! Refuses to build with tables that are missing, damaged or older than the spec. Reads only.

// The generator has copies of both files: a package cannot reach outside its folder, and this build script is to
// depend on nothing. A test of the generator compares them.
#[allow(unreachable_pub)]
#[path = "build/manifest.rs"]
mod manifest;
#[allow(unreachable_pub)]
#[path = "build/sha256.rs"]
mod sha256;

use std::path::Path;

const FIX: &str = "run `just tablegen` at the workspace root and commit the result";

fn main() {
    println!("cargo::rerun-if-changed=blobs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=OPFORGE_TABLES_SKIP_STALE");
    for problem in problems() {
        println!("cargo::error={problem}; {FIX}");
    }
}

fn problems() -> Vec<String> {
    let text = match std::fs::read_to_string("blobs/MANIFEST") {
        Ok(text) => text.replace("\r\n", "\n"),
        Err(e) => return vec![format!("tables/blobs/MANIFEST cannot be read ({e})")],
    };
    let manifest = match manifest::Manifest::parse(&text) {
        Ok(manifest) => manifest,
        Err(e) => return vec![format!("tables are damaged: {e}")],
    };
    let mut out = Vec::new();
    for (name, bytes, digest) in &manifest.blobs {
        match std::fs::read(Path::new("blobs").join(name)) {
            Err(e) => out.push(format!("table blob tables/blobs/{name} is missing ({e})")),
            Ok(data) if data.len() != *bytes => out.push(format!(
                "table blob tables/blobs/{name} is damaged: {} bytes, not the {bytes} of the MANIFEST",
                data.len()
            )),
            Ok(data) if sha256::hex(&data) != *digest => {
                out.push(format!(
                    "table blob tables/blobs/{name} is damaged: its sha256 is not the one in MANIFEST"
                ));
            }
            Ok(_) => {}
        }
    }
    out.extend(stale(&manifest));
    out
}

/// Inputs that changed since the blobs were written. In the published crate there are no inputs to compare.
fn stale(manifest: &manifest::Manifest) -> Vec<String> {
    let skip_spec = std::env::var("OPFORGE_TABLES_SKIP_STALE").is_ok_and(|v| v == "1");
    let mut out = Vec::new();
    for (path, digest) in &manifest.sources {
        let file = Path::new("..").join(path);
        if !file.exists() {
            continue;
        }
        println!("cargo::rerun-if-changed=../{path}");
        if skip_spec && path.starts_with("spec/") {
            continue;
        }
        match std::fs::read_to_string(&file) {
            Err(e) => out.push(format!("{path} cannot be read ({e})")),
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
                if sha256::hex(text.as_bytes()) != *digest {
                    out.push(format!("tables are stale: {path} changed since the blobs were written"));
                }
            }
        }
    }
    out
}
