//! The example programs: they assemble, verify, say what running them gives, and survive a way through text and
//! container.

use opforge_vm::asm::assemble;
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use std::path::Path;

#[test]
fn examples_are_sound() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ofa") {
            continue;
        }
        count += 1;
        let name = path.display();
        let source = std::fs::read_to_string(&path).unwrap();
        let program =
            assemble(&source).unwrap_or_else(|e| panic!("{}", e.render(&source, &name.to_string())));

        let bytes = encode(&program).unwrap();
        assert!(decode(&bytes, &DecodeConfig::new()).unwrap() == program, "{name}");
        let text = disassemble(&program, &DisasmOptions::exact());
        assert!(assemble(&text).unwrap() == program, "{name}");

        let functions = (0..program.functions().len() as u32).map(FuncId);
        let names: Vec<_> = functions.filter_map(|id| program.func_name(id).map(str::to_owned)).collect();
        if let Err(report) = verify(program, &VerifyConfig::default()) {
            panic!("{name}: {report}");
        }
        // `; run: name arguments => results` names a function of the program.
        let runs: Vec<_> = source.lines().filter_map(|line| line.strip_prefix("; run: ")).collect();
        assert!(!runs.is_empty(), "{name} says no result");
        for run in runs {
            let (call, _) = run.split_once(" => ").unwrap_or_else(|| panic!("{name}: {run}"));
            let func = call.split(' ').next().unwrap();
            assert!(names.iter().any(|known| known == func), "{name}: {run}");
        }
    }
    assert!(count >= 8, "{count} examples");
}
