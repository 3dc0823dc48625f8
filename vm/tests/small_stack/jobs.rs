//! What the loops do: every instruction in every mode, branches, pairs, calls and intrinsics.

use crate::body::{Body, MODES, Mode, WAYS, World, class_of, may_trap, suffices};
use opforge_tables::ISA;
use opforge_vm::builder::Operand;
use opforge_vm::ids::{FuncId, IntrinsicId, Reg};
use opforge_vm::schema::{Access, TypeRule};
use opforge_vm::schema::{fuse_flags, op_flags};
use opforge_vm::{Opcode, ValueType};

/// What one loop does in a turn.
pub(crate) type Job = Box<dyn Fn(&mut Body<'_>)>;

/// Gives a declared function its code.
pub(crate) type Define<'d> = dyn FnMut(FuncId, &dyn Fn(&mut Body<'_>)) + 'd;

fn fuses(op: Opcode, flag: u8) -> bool {
    op.row().fuses(flag)
}

fn allocates(op: Opcode) -> bool {
    op.row().has(op_flags::ALLOC)
}

fn all() -> impl Iterator<Item = Opcode> {
    Opcode::ALL.iter().copied()
}

/// What an instruction writes, if it is one register.
fn written(op: Opcode) -> Option<TypeRule> {
    op.row().operands().iter().find(|operand| operand.access() == Access::Write).map(|operand| operand.ty())
}

/// Loops without allocations.
pub(crate) fn plain() -> Vec<Job> {
    let mut jobs = Vec::new();
    jobs.extend(all().filter(|&op| !allocates(op)).filter_map(in_all_modes));
    jobs.extend(all().filter(|&op| fuses(op, fuse_flags::BRANCH)).map(test_and_branch));
    jobs.extend(all().filter(|&op| fuses(op, fuse_flags::IMM)).map(reckon_test_and_branch));
    jobs.extend(all().filter(|&op| fuses(op, fuse_flags::LEAD)).map(pairs));
    jobs.push(Box::new(branches));
    jobs.push(Box::new(constants));
    jobs.push(Box::new(calls));
    jobs.push(Box::new(tail_calls));
    jobs.push(Box::new(host_calls));
    jobs.extend(intrinsics(false));
    jobs
}

/// Loops with allocations.
pub(crate) fn allocating() -> Vec<Job> {
    let mut jobs: Vec<Job> = all().filter(|&op| allocates(op)).filter_map(in_all_modes).collect();
    jobs.extend(intrinsics(true));
    jobs
}

/// An instruction that its row suffices for, with its operands from wherever they may come from, of both memories.
fn in_all_modes(op: Opcode) -> Option<Job> {
    suffices(op.didx()).then(|| -> Job {
        Box::new(move |body| {
            for memory in [0, 1] {
                body.memory = memory;
                for mode in MODES {
                    // What is the last result before does not matter, if it is another register.
                    body.row(op.didx(), mode);
                }
            }
        })
    })
}

/// A comparison with a branch on it that goes each way, to near and far code.
fn test_and_branch(op: Opcode) -> Job {
    Box::new(move |body| {
        for ways in WAYS {
            for mode in MODES {
                if mode_is_known(op, mode) {
                    // That register is only tested, so the two fuse.
                    body.branch(ways, |body| body.row(op.didx(), mode).flatten().expect("a comparison"));
                }
            }
        }
    })
}

/// Whether a comparison of two numbers has this mode.
fn mode_is_known(op: Opcode, mode: Mode) -> bool {
    let rules = Body::reads(op.didx());
    let constant = rules
        .get(1)
        .and_then(|&rule| class_of(rule))
        .is_some_and(|class| matches!(class, ValueType::I64 | ValueType::U64 | ValueType::F64));
    constant || !matches!(mode, Mode::Constant | Mode::LastAndConstant)
}

/// An operation with a constant, its result compared with a constant or a number, and a branch on that: with a
/// register of its own, as of a mask, and with that of its operand, as of the step of a loop.
fn reckon_test_and_branch(op: Opcode) -> Job {
    Box::new(move |body| {
        let rules = Body::reads(op.didx());
        let class = class_of(rules[0]).expect("a class of numbers");
        let zero = match class {
            ValueType::I64 => Opcode::ConstI64,
            ValueType::U64 => Opcode::ConstU64,
            _ => return,
        };
        let Some(constant) = body.constant(class).filter(|_| written(op) == Some(rules[0])) else { return };
        let (x, y) = (body.given(class, 0), body.given(class, 1));
        let zero = {
            let reg = body.func.reg();
            body.emit(zero, &[reg.into(), Operand::U64(0)]);
            reg
        };
        let step = body.func.reg();
        body.emit(Opcode::Mov, &[step.into(), x.into()]);
        let tests = all().filter(|&test| fuses(test, fuse_flags::BRANCH));
        for test in tests.filter(|test| Body::reads(test.didx()) == [rules[0]; 2]) {
            for ways in WAYS {
                for right in [zero, constant, y] {
                    for last in [false, true] {
                        // Both results are read by what fuses with them alone.
                        let [masked, truth] = [(); 2].map(|()| body.func.reg());
                        body.branch(ways, |body| {
                            let left = if last { body.last(rules[0], x) } else { x };
                            body.emit(op, &[masked.into(), left.into(), constant.into()]);
                            body.emit(test, &[truth.into(), masked.into(), right.into()]);
                            truth
                        });
                    }
                    // Step upon step, a result may be anything.
                    if may_trap(op.didx()) {
                        continue;
                    }
                    let truth = body.func.reg();
                    body.branch(ways, |body| {
                        body.emit(op, &[step.into(), step.into(), constant.into()]);
                        body.emit(test, &[truth.into(), step.into(), right.into()]);
                        truth
                    });
                }
            }
        }
    })
}

/// The ways in which the first of a pair takes its operands.
fn lead(body: &mut Body<'_>, op: Opcode, mode: Mode) -> Option<Reg> {
    body.memory = 0;
    body.row(op.didx(), mode).flatten()
}

/// An operation with each that may follow it and takes its result, on both sides, and with a jump.
fn pairs(op: Opcode) -> Job {
    Box::new(move |body| {
        let result = written(op).expect("a result");
        let class = class_of(result).expect("a class of numbers");
        let other = body.given(class, 1);
        let constant = body.constant(class);
        for mode in MODES {
            for follow in all().filter(|&follow| fuses(follow, fuse_flags::FOLLOW)) {
                if Body::reads(follow.didx()) != [result; 2] {
                    continue;
                }
                if let Some(first) = lead(body, op, mode) {
                    body.with(follow.didx(), &[first, other], 2);
                }
                if let Some(first) = lead(body, op, mode) {
                    body.with(follow.didx(), &[other, first], 2);
                }
                if let (Some(constant), Some(first)) = (constant, lead(body, op, mode)) {
                    body.with(follow.didx(), &[first, constant], 2);
                }
            }
            for near in [true, false] {
                let [target, between] = [(); 2].map(|()| body.func.label());
                let start = body.func.label();
                if !near {
                    body.emit(Opcode::Jmp, &[start.into()]);
                    body.func.place(between).unwrap();
                    body.emit(Opcode::Jmp, &[target.into()]);
                    body.func.place(start).unwrap();
                }
                lead(body, op, mode);
                body.emit(Opcode::Jmp, &[if near { target } else { between }.into()]);
                body.func.place(target).unwrap();
                if near {
                    for label in [between, start] {
                        body.func.place(label).unwrap();
                    }
                }
            }
        }
    })
}

/// Branches on truth that is there, branch tables, and choices.
fn branches(body: &mut Body<'_>) {
    for ways in WAYS {
        for which in [0, 1] {
            let given = body.given(ValueType::Bool, which);
            body.branch(ways, |_| given);
            body.branch(ways, |body| body.last(TypeRule::Bool, given));
        }
    }
    for which in [0, 1] {
        let [truth, a, b] = [(ValueType::Bool, which), (ValueType::I64, 0), (ValueType::I64, 1)]
            .map(|(c, w)| body.given(c, w));
        body.with(Opcode::Select.didx(), &[truth, a, b], 0);
    }
    for index in [0, 1, 1 << 40] {
        let [first, second, other] = [(); 3].map(|()| body.func.label());
        let at = body.scratch(TypeRule::U64, 3);
        body.emit(Opcode::ConstU64, &[at.into(), Operand::U64(index)]);
        body.emit(Opcode::BrTable, &[at.into(), Operand::Labels(&[first, second]), other.into()]);
        for label in [first, second] {
            body.func.place(label).unwrap();
            body.emit(Opcode::Jmp, &[other.into()]);
        }
        body.func.place(other).unwrap();
    }
}

/// Numbers of each length.
fn constants(body: &mut Body<'_>) {
    let (int, float) = (body.scratch(TypeRule::I64, 3), body.scratch(TypeRule::F64, 3));
    for number in [1, -1, 1 << 40, i64::MAX] {
        body.emit(Opcode::ConstI64, &[int.into(), Operand::I64(number)]);
    }
    for number in [0.0, 1.0, 0.1] {
        body.emit(Opcode::ConstF64, &[float.into(), Operand::F64(number)]);
    }
}

/// Calls of functions, of functions in registers and of closures, with up to two arguments and results.
fn calls(body: &mut Body<'_>) {
    let world = body.world;
    let (int, float) = (body.given(ValueType::I64, 0), body.given(ValueType::F64, 0));
    let (int_result, float_result) = (body.scratch(TypeRule::I64, 0), body.scratch(TypeRule::F64, 0));
    let (pair, results) = ([int, float], [float_result, int_result]);
    let lists: [(&[Reg], &[Reg]); 3] = [(&[], &[]), (&[int], &[int_result]), (&pair, &results)];
    for (at, (args, rets)) in lists.into_iter().enumerate() {
        body.emit(Opcode::Call, &[world.helpers[at].into(), args.into(), rets.into()]);
        let callee = body.func.reg();
        body.emit(Opcode::ConstFunc, &[callee.into(), world.helpers[at].into()]);
        body.emit(Opcode::CallIndirect, &[world.sigs[at].into(), callee.into(), args.into(), rets.into()]);
    }
    // An argument that is the last result, and a result that is used at once.
    let last = body.last(TypeRule::I64, int);
    body.emit(Opcode::Call, &[world.helpers[1].into(), (&[last]).into(), (&[int_result]).into()]);
    body.with(Opcode::I64Add.didx(), &[int_result, int], 2);
    let closure = body.closure();
    body.emit(
        Opcode::CallIndirect,
        &[world.sigs[1].into(), closure.into(), (&[int]).into(), (&[int_result]).into()],
    );
}

/// Calls of functions that end in calls.
fn tail_calls(body: &mut Body<'_>) {
    let int = body.given(ValueType::I64, 0);
    let result = body.scratch(TypeRule::I64, 0);
    for caller in body.world.callers.clone() {
        body.emit(Opcode::Call, &[caller.into(), (&[int]).into(), (&[result]).into()]);
    }
}

/// Calls of host functions with up to two arguments and results; each loop has one without.
fn host_calls(body: &mut Body<'_>) {
    let (int, word) = (body.given(ValueType::I64, 0), body.given(ValueType::U64, 0));
    let (int_result, word_result) = (body.scratch(TypeRule::I64, 0), body.scratch(TypeRule::U64, 0));
    let [one, two] = body.world.hosts;
    body.emit(Opcode::HostCall, &[one.into(), (&[int]).into(), (&[int_result]).into()]);
    let last = body.last(TypeRule::I64, int);
    body.emit(Opcode::HostCall, &[one.into(), (&[last]).into(), (&[int_result]).into()]);
    body.emit(Opcode::HostCall, &[two.into(), (&[int, word]).into(), (&[word_result, int_result]).into()]);
}

/// Each intrinsic; those that allocate, or all others.
fn intrinsics(allocating: bool) -> impl Iterator<Item = Job> {
    let rows = ISA.intrinsics.iter();
    let rows = rows.filter(move |row| (row.flags.get() & op_flags::ALLOC != 0) == allocating);
    rows.map(|row| -> Job {
        Box::new(move |body| {
            let classes = |tags: &[u8]| -> Vec<ValueType> {
                tags.iter().filter_map(|&tag| ValueType::from_tag(tag, 0)).collect()
            };
            let args: Vec<Reg> = (0_u32..)
                .zip(classes(row.arg_slots()))
                .map(|(at, class)| body.given(class, at % 2))
                .collect();
            let rets: Vec<Reg> = classes(row.ret_slots()).iter().map(|_| body.func.reg()).collect();
            let id = IntrinsicId(row.id.get().into());
            body.emit(Opcode::Intrinsic, &[id.into(), (&*args).into(), (&*rets).into()]);
        })
    })
}

/// The functions that loops call.
pub(crate) fn callees(world: &World, define: &mut Define<'_>) {
    let [none, one, two] = world.helpers;
    define(none, &|body| body.emit(Opcode::Ret, &[Operand::Regs(&[])]));
    define(one, &|body| {
        let x = body.func.param(0);
        body.emit(Opcode::Ret, &[(&[x]).into()]);
    });
    define(two, &|body| {
        let (x, y) = (body.func.param(0), body.func.param(1));
        body.emit(Opcode::Ret, &[(&[y, x]).into()]);
    });
    define(world.closed, &|body| {
        let (x, sum) = (body.func.param(1), body.func.reg());
        body.emit(Opcode::I64Add, &[sum.into(), x.into(), x.into()]);
        // What is returned is the last result.
        body.emit(Opcode::Ret, &[(&[sum]).into()]);
    });
    let [direct, indirect, closure, itself, deep] = world.callers[..] else { panic!("five callers") };
    define(direct, &|body| {
        let x = body.func.param(0);
        body.emit(Opcode::RetCall, &[one.into(), (&[x]).into()]);
    });
    define(indirect, &|body| {
        let (x, callee) = (body.func.param(0), body.func.reg());
        body.emit(Opcode::ConstFunc, &[callee.into(), one.into()]);
        body.emit(Opcode::RetCallIndirect, &[world.sigs[1].into(), callee.into(), (&[x]).into()]);
    });
    define(closure, &|body| {
        let x = body.func.param(0);
        let [func, env, callee] = [(); 3].map(|()| body.func.reg());
        body.emit(Opcode::ConstFunc, &[func.into(), world.closed.into()]);
        body.emit(Opcode::TupleNew, &[env.into(), (&[x]).into()]);
        body.emit(Opcode::ClosureNew, &[callee.into(), func.into(), env.into()]);
        body.emit(Opcode::RetCallIndirect, &[world.sigs[1].into(), callee.into(), (&[x]).into()]);
    });
    // To zero in calls of itself: as tail calls, and as calls, which return one by one.
    for (id, tail) in [(itself, true), (deep, false)] {
        define(id, &|body| {
            let x = body.func.param(0);
            let [zero, one, less, truth] = [(); 4].map(|()| body.func.reg());
            let [more, end] = [(); 2].map(|()| body.func.label());
            body.emit(Opcode::ConstI64, &[zero.into(), Operand::I64(0)]);
            body.emit(Opcode::ConstI64, &[one.into(), Operand::I64(1)]);
            body.emit(Opcode::I64Gt, &[truth.into(), x.into(), zero.into()]);
            body.emit(Opcode::Br, &[truth.into(), more.into(), end.into()]);
            body.func.place(end).unwrap();
            body.emit(Opcode::Ret, &[(&[x]).into()]);
            body.func.place(more).unwrap();
            body.emit(Opcode::I64Sub, &[less.into(), x.into(), one.into()]);
            if tail {
                body.emit(Opcode::RetCall, &[id.into(), (&[less]).into()]);
            } else {
                body.emit(Opcode::Call, &[id.into(), (&[less]).into(), (&[less]).into()]);
                body.emit(Opcode::Ret, &[(&[less]).into()]);
            }
        });
    }
}
