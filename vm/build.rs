//! Chooses the interpreter's dispatcher: threaded code where the compiler makes sibling calls into jumps, which it
//! does for optimised builds of the listed architectures. Results do not depend on the choice.
//! `OPFORGE_DISPATCH=loop` chooses the portable loop alone, to test and measure it.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=OPFORGE_DISPATCH");
    println!("cargo::rustc-check-cfg=cfg(opforge_threaded)");
    let optimised = var("OPT_LEVEL").is_ok_and(|level| matches!(&*level, "2" | "3"));
    let listed = var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| matches!(&*arch, "x86_64" | "aarch64"));
    let portable = var("OPFORGE_DISPATCH").is_ok_and(|dispatch| dispatch == "loop");
    if optimised && listed && !portable {
        println!("cargo::rustc-cfg=opforge_threaded");
    }
}
