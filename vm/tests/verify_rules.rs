//! The rules before types: ids, registers, targets, terminators, initialisation, and what reports say.

mod container_support;
mod verify_support;

use container_support::corpus;
use opforge_vm::ISA;
use opforge_vm::ValueType::{Bool, I64};
use opforge_vm::codec::{OperandValue, encode as encode_instr};
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::ids::{ConstId, FuncId, Reg};
use opforge_vm::schema::{Access, Encoding, OperandRow};
use opforge_vm::verify::{InvalidJumpTargetReason, VerifyConfig, VerifyErrorKind, VerifyReport, verify};
use std::collections::BTreeSet;
use verify_support::{Asm, Build, asm};

fn report(code: Asm, regs: u32) -> VerifyReport {
    let mut build = Build::default();
    build.func(&[I64, Bool], &[I64], regs, code);
    verify(build.program(), &VerifyConfig::new()).map(|_| ()).unwrap_err()
}

#[track_caller]
fn refused(code: Asm, regs: u32, expected: &[(u32, VerifyErrorKind)]) {
    let report = report(code, regs);
    let found: Vec<_> = report.errors().iter().map(|error| (error.pc().unwrap(), *error.kind())).collect();
    assert_eq!(found, expected);
}

#[test]
fn errors_of_one_function_are_collected_in_the_order_of_the_checks() {
    let mut code = Asm::default();
    asm!(code;
        "i64.add" 3, 9, 1; "const.pool" 4, 7; "call" 1, 0, 2, [1], [3]; "i64.add" 3, 4, 3; "jmp" => "in";
    );
    asm!(code; @"in"; "mov" 5, 6; "const.func" 3, 1;);
    use VerifyErrorKind as E;
    refused(
        code,
        7,
        &[
            (4, E::ConstOutOfBounds { const_id: ConstId(7) }),
            (28, E::FuncIdOutOfBounds { callee: FuncId(1) }),
            (28, E::MissingTerminator {}),
            (0, E::RegOutOfBounds { reg: Reg(9), reg_count: 7 }),
            (7, E::EffectInNotR0 { reg: Reg(2) }),
            (7, E::EffectOutNotR0 { reg: Reg(1) }),
            (7, E::CallArityMismatch { expected: 2, actual: 1 }),
        ],
    );
}

#[test]
fn targets_are_instructions_of_the_function() {
    let mut code = Asm::default();
    asm!(code; "br" 2, 1, 13; "ret" 0, [1]; "jmp" 16; "jmp" 4_294_967_295;);
    let target = |target, reason| VerifyErrorKind::InvalidJumpTarget { target, reason };
    refused(
        code,
        3,
        &[
            (0, target(1, InvalidJumpTargetReason::NotInstructionBoundary)),
            (0, target(13, InvalidJumpTargetReason::NotInstructionBoundary)),
            (22, target(u32::MAX, InvalidJumpTargetReason::OutOfRange)),
        ],
    );
    // The end of the code is no instruction.
    let mut code = Asm::default();
    asm!(code; "jmp" 6;);
    refused(code, 3, &[(0, target(6, InvalidJumpTargetReason::OutOfRange))]);
}

#[test]
fn control_never_runs_on_into_the_next_block() {
    let mut code = Asm::default();
    asm!(code; @"top"; "mov" 3, 1; @"next"; "mov" 1, 3; "br" 2 => "next", "out"; @"out"; "ret" 0, [1];);
    refused(code, 4, &[(0, VerifyErrorKind::MissingTerminator {})]);
}

#[test]
fn a_register_is_written_on_every_path_to_a_read() {
    let uninit = |pc, reg| (pc, VerifyErrorKind::UninitializedRead { reg: Reg(reg) });
    let mut code = Asm::default();
    asm!(code;
        "br" 2 => "a", "b";
        @"a"; "const.i64" 3, 1; "jmp" => "join"; @"b"; "const.i64" 4, 1; "jmp" => "join";
        @"join"; "i64.add" 5, 3, 4; "ret" 0, [5];
    );
    refused(code, 6, &[uninit(30, 3), uninit(30, 4)]);
    // Written in a loop body only, and read behind the loop.
    let mut code = Asm::default();
    asm!(code;
        "jmp" => "head"; @"head"; "br" 2 => "body", "out"; @"body"; "const.i64" 3, 1; "jmp" => "head";
        @"out"; "ret" 0, [3];
    );
    refused(code, 4, &[uninit(27, 3)]);
    // Written behind the read in a loop: the first time round it is not.
    let mut code = Asm::default();
    asm!(code; "jmp" => "top"; @"top"; "mov" 4, 3; "const.i64" 3, 1; "br" 2 => "top", "out"; @"out"; "ret" 0, [1];);
    refused(code, 5, &[uninit(6, 3)]);
    // An instruction reads before it writes.
    let mut code = Asm::default();
    asm!(code; "i64.add" 3, 3, 1; "ret" 0, [1];);
    refused(code, 4, &[uninit(0, 3)]);
}

#[test]
fn a_report_reads_well() {
    let mut code = Asm::default();
    asm!(code; "i64.add" 3, 1, 2; "const.i64" 4, u32::MAX; "ret" 0, [3];);
    let report = report(code, 5);
    let [error] = report.errors() else { panic!("{report}") };
    assert_eq!(
        report.to_string(),
        "error[V0802]: r2 is bool, i64 is needed here\n  in func 0 at pc 0: i64.add r3, r1, r2\n  help: convert \
         the value, or use another register\nthe program does not verify: 1 error"
    );
    assert_eq!((error.func(), error.pc(), error.span()), (Some(FuncId(0)), Some(0), None));
    assert!(!report.is_truncated());
}

#[test]
fn the_number_of_errors_is_bounded() {
    let mut code = Asm::default();
    for _ in 0..1000 {
        asm!(code; "i64.add" 3, 1, 2;);
    }
    asm!(code; "ret" 0, [1];);
    let mut build = Build::default();
    for _ in 0..3 {
        build.func(&[I64, Bool], &[I64], 5, code.clone());
    }
    for max in [0, 1, 7, 1500] {
        let report = verify(build.program(), &VerifyConfig::new().max_errors(max)).map(|_| ()).unwrap_err();
        assert_eq!(report.errors().len(), max.max(1));
        assert!(report.is_truncated());
    }
}

#[test]
fn the_register_limit_is_the_configuration_s() {
    let mut code = Asm::default();
    asm!(code; "ret" 0, [1];);
    let mut build = Build::default();
    build.func(&[I64], &[I64], 70_000, code);
    let report = verify(build.program(), &VerifyConfig::new()).map(|_| ()).unwrap_err();
    let limit = VerifyErrorKind::RegCountTooLarge { reg_count: 70_000, max: 65_536 };
    assert_eq!(report.errors()[0].kind(), &limit);
    let verified = verify(build.program(), &VerifyConfig::new().max_registers(70_000)).unwrap();
    let func = &verified.functions()[0];
    assert_eq!((func.reg_count(), func.reg_types().len()), (70_000, 2));
}

#[test]
fn codes_are_unique_and_in_order() {
    let codes: Vec<_> = VerifyErrorKind::ALL.iter().map(|&(code, ..)| code).collect();
    assert!(codes.is_sorted() && codes.iter().collect::<BTreeSet<_>>().len() == codes.len());
    assert!(VerifyErrorKind::ALL.iter().all(|(code, name, hint)| {
        code.len() == 5 && code.starts_with('V') && !name.is_empty() && !hint.is_empty()
    }));
}

/// A small generator with a fixed seed (xorshift64*).
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as u32 % n
    }
}

/// One block of a random program: registers read and written in order, and where it leads.
struct Block {
    steps: Vec<(u32, u32)>,
    succs: [u32; 2],
}

/// Which (block, step) reads may be uninitialised, by walking all paths for each register.
fn uninitialised(blocks: &[Block], regs: u32) -> BTreeSet<(u32, u32)> {
    let mut found = BTreeSet::new();
    for reg in 3..regs {
        let (mut seen, mut stack) = (BTreeSet::from([0]), vec![0]);
        while let Some(block) = stack.pop() {
            let mut written = false;
            for &(dst, src) in &blocks[block as usize].steps {
                if src == reg && !written {
                    found.insert((block, reg));
                }
                written |= dst == reg;
            }
            if !written {
                for next in blocks[block as usize].succs {
                    if seen.insert(next) {
                        stack.push(next);
                    }
                }
            }
        }
    }
    found
}

#[test]
fn initialisation_agrees_with_walking_all_paths() {
    let mut rng = Rng(11);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..3000 {
        // Some with more registers than a word has bits.
        let (count, regs) = (1 + rng.below(12), if rng.below(4) == 0 { 90 } else { 4 + rng.below(6) });
        let (len, sparse) = (rng.below(if regs > 80 { 60 } else { 6 }), rng.below(2) == 0);
        // Register 1 is always written, 2 is the condition.
        let mut blocks = Vec::new();
        for _ in 0..count {
            let reads = !sparse || rng.below(3) == 0;
            let mut steps = Vec::new();
            for _ in 0..len {
                let src = if reads { 3 + rng.below(regs - 3) } else { 1 };
                steps.push((3 + rng.below(regs - 3), src));
            }
            blocks.push(Block { steps, succs: [rng.below(count), rng.below(count)] });
        }
        let mut code = Asm::default();
        let mut starts = vec![];
        for block in &blocks {
            starts.push((code.pc(), code.pc() + 3 * block.steps.len() as u32));
            for &(dst, src) in &block.steps {
                asm!(code; "mov" dst, src;);
            }
            let [a, b] = block.succs.map(|next| next.to_string());
            code.branch("br", &[2.into()], &[&a, &b]);
        }
        for (i, &(pc, _)) in starts.iter().enumerate() {
            code.label_at(&i.to_string(), pc);
        }
        let mut build = Build::default();
        build.func(&[I64, Bool], &[], regs, code);
        let verified = verify(build.program(), &VerifyConfig::new().max_errors(100_000));
        let expected = uninitialised(&blocks, regs);
        let errors = verified.as_ref().err().map_or(&[][..], VerifyReport::errors);
        let found = errors.iter().filter_map(|error| {
            let VerifyErrorKind::UninitializedRead { reg } = *error.kind() else { return None };
            let pc = error.pc()?;
            Some((starts.iter().position(|&(start, end)| (start..end).contains(&pc))? as u32, reg.0))
        });
        assert_eq!(found.collect::<BTreeSet<_>>(), expected);
        *if expected.is_empty() { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}

/// Damaged code of the corpus: nothing panics, and what verifies has consistent facts.
#[test]
fn damaged_code_never_panics() {
    let mut rng = Rng(5);
    let programs: Vec<_> =
        corpus().0.iter().filter_map(|case| decode(&case.bytes, &DecodeConfig::new()).ok()).collect();
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let program = &programs[rng.below(programs.len() as u32) as usize];
        let mut bytes = encode(program).unwrap();
        for _ in 0..=rng.below(3) {
            // Behind the header and the first sections there is mostly code.
            let at = 12 + rng.below(bytes.len() as u32 - 12) as usize;
            bytes[at] = match rng.below(3) {
                0 => bytes[at] ^ (1 << rng.below(8)),
                1 => rng.below(8) as u8,
                _ => bytes[at].wrapping_add(1),
            };
        }
        let Ok(program) = decode(&bytes, &DecodeConfig::new()) else { continue };
        match verify(program, &VerifyConfig::new()) {
            Err(report) => {
                bad += 1;
                assert!(!report.errors().is_empty() && !report.to_string().is_empty());
            }
            Ok(verified) => {
                good += 1;
                for func in verified.functions() {
                    assert_eq!(func.blocks()[0].0, 0);
                    assert!(func.reg_types().iter().all(|&ty| verified.types().class(ty).is_some()));
                    assert!(func.agg_types().is_sorted_by_key(|&(ix, _)| ix));
                }
            }
        }
    }
    assert!(good > 1000 && bad > 1000, "{good} good, {bad} bad");
}

/// Registers that no function has, in every operand of every opcode: the largest number is also the most tempting one
/// for a verifier to give a meaning of its own.
#[test]
fn registers_that_are_not_there_are_refused_in_every_operand() {
    let regs = 3;
    for (didx, row) in ISA.iter() {
        for (at, _) in row.operands().iter().enumerate().filter(|(_, row)| row.access() != Access::None) {
            for bad in [regs, u32::MAX - 1, u32::MAX] {
                let value = |(n, row): (usize, &OperandRow)| match (n == at, row.enc()) {
                    (true, enc) if enc.is_list() => {
                        OperandValue::List(if bad == regs { &[3] } else { &[u32::MAX] })
                    }
                    (true, Encoding::Uleb32Opt) => OperandValue::Opt(Some(bad.min(u32::MAX - 1))),
                    (true, _) => OperandValue::Scalar(bad.into()),
                    (false, enc) if enc.is_list() => OperandValue::List(&[]),
                    (false, Encoding::Uleb32Opt) => OperandValue::Opt(None),
                    (false, _) => OperandValue::Scalar(0),
                };
                let values: Vec<_> = row.operands().iter().enumerate().map(value).collect();
                let mut code = Asm::default();
                encode_instr(&ISA, didx, &values, &mut code.0).unwrap();
                asm!(code; "ret" 0, [];);
                let mut build = Build::default();
                build.func(&[], &[], regs, code);
                let mut container = encode(&build.program()).unwrap();
                // The minor version of the newest containers, which know every opcode.
                container[10] = 128;
                let program = decode(&container, &DecodeConfig::new()).unwrap();
                let report = verify(program, &VerifyConfig::new()).map(|_| ()).unwrap_err();
                let found = report.errors().iter().any(|error| {
                    matches!(error.kind(), VerifyErrorKind::RegOutOfBounds { reg, .. } if reg.0 >= regs)
                });
                assert!(found, "{} operand {at}: {report}", ISA.name(didx));
            }
        }
    }
}

/// What one function needed is kept for the next one, but not what it knew: registers that the next one does not have are
/// one error each, not also registers that may be read before they are written.
#[test]
fn a_function_does_not_know_the_registers_of_the_one_before() {
    let mut build = Build::default();
    let mut code = Asm::default();
    asm!(code; "const.i64" 99, 1; "ret" 0, [99];);
    build.func(&[], &[I64], 100, code);
    let mut code = Asm::default();
    asm!(code; "i64.add" 97, 98, 99; "mov" 70, 71; "ret" 0, [];);
    build.func(&[], &[], 1, code);
    let report = verify(build.program(), &VerifyConfig::new()).map(|_| ()).unwrap_err();
    let found: Vec<_> = report.errors().iter().map(|error| *error.kind()).collect();
    let expected =
        [97, 98, 99, 70, 71].map(|reg| VerifyErrorKind::RegOutOfBounds { reg: Reg(reg), reg_count: 1 });
    assert_eq!(found, expected);
}
