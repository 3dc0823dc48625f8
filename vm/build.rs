//! Chooses the interpreter's dispatcher: threaded code where the compiler makes sibling calls into jumps, which it
//! does for optimised builds of the listed architectures. Results do not depend on the choice.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(opforge_threaded)");
    let optimised = var("OPT_LEVEL").is_ok_and(|level| matches!(&*level, "2" | "3"));
    let listed = var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| matches!(&*arch, "x86_64" | "aarch64"));
    if optimised && listed {
        println!("cargo::rustc-cfg=opforge_threaded");
    }
}
