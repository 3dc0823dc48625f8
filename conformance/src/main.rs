//! x
use opforge_conformance::{engine::EngineKind, extape::*, report::Report};
#[global_allocator]
static ALLOCATOR: opforge_conformance::peak::Counting = opforge_conformance::peak::Counting;
fn main() {
    let mut r = Report::new();
    for f in std::env::args().skip(1) {
        let cases = Case::from_lines(&std::fs::read_to_string(f).unwrap()).unwrap();
        run_cases(&cases, EngineKind::ALL, &Deviations::committed().unwrap(), &mut r);
    }
    println!("{r}");
}
