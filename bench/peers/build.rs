//! Refuses a build that would measure a dispatcher under the other's name, and looks for the workloads' definition.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=OPFORGE_DISPATCH");
    let of = |name| std::env::var(name).ok();
    let portable = of("OPFORGE_DISPATCH").as_deref() == Some("loop");
    assert_eq!(
        portable,
        of("CARGO_FEATURE_PORTABLE").is_some(),
        "OPFORGE_DISPATCH=loop and the feature `portable` go together"
    );
    let definition = "../../../shared/workloads/workload.rs";
    println!("cargo::rerun-if-changed={definition}");
    if Path::new(definition).exists() {
        println!("cargo::rustc-cfg=shared_workloads");
    }
}
