use opforge_vm::Program;
use opforge_vm::verify::VerifiedProgram;

fn change(verified: &mut VerifiedProgram) -> &mut Program {
    verified.program()
}

fn main() {}
