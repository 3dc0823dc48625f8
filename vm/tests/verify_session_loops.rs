//! What is wrong in a loop is told, though the loop comes back to it with a register of which nothing is known any more.

use opforge_vm::asm::assemble;
use opforge_vm::verify::{VerifyConfig, verify};

/// The codes of the errors of a program whose only function is given an endpoint of each role of a loop.
fn codes(body: &str) -> Vec<&'static str> {
    let text = format!(
        ".local Out = mu x. !In{{m. x, done. end}}
         .local In = mu x. ?Out{{m. x, done. end}}
         .local Say = mu x. !Hear{{m. x}}
         .local Hear = mu x. ?Say{{m. x}}
         .shape Talk {{ Out: Out, In: In }}
         .shape Echo {{ Say: Say, Hear: Hear }}
         .func main(out: chan(Talk, Out), hear: chan(Echo, Hear), say: chan(Echo, Say)) {{\n{body}\n}}"
    );
    let program = assemble(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let report = verify(program, &VerifyConfig::new()).expect_err("a program that is refused");
    report.errors().iter().map(|error| error.kind().code()).collect()
}

#[test]
fn an_error_does_not_hide_behind_its_own_loop() {
    for (body, code) in [
        ("@again:\n send hear, r0\n jmp @again", "V1203"),
        ("@again:\n offer say, done, -\n jmp @again", "V1206"),
        ("@again:\n send out, r0\n jmp @again", "V1205"),
        ("@again:\n receive out -> r0\n jmp @again", "V1204"),
        ("@again:\n join\n jmp @again", "V1215"),
        ("@again:\n abort\n jmp @again", "V1215"),
        ("const.u64 r7, 1\n jmp @again\n@again:\n close r7\n jmp @again", "V1201"),
        ("@again:\n close out\n jmp @again", "V1218"),
    ] {
        assert!(codes(body).contains(&code), "{body}: {:?}", codes(body));
    }
}
