//! The examples in the opcode spec, as they stand there.
//!
//! An example is one instruction as text and as bytes, and mostly what it gives for which values. The bytes must be
//! the text and the text the bytes; then a program of that instruction must verify and give what the example says.

use crate::engine::{self, End, EngineKind, Pace, RunLimits, RunRequest, Tracing};
use crate::report::Report;
use crate::value::{CaseValue, Likeness, to_hex};
use opforge::asm::assemble;
use opforge::codec::{self, Code};
use opforge::disasm::Line;
use opforge::ids::FuncId;
use opforge::verify::{VerifyConfig, verify};
use opforge::{FuelSchedule, ISA, Opcode, Program};
use opforge_tables::docs::{Docs, ExampleDoc, OpDoc};
use serde_json::Value as Json;

/// Runs every example of the embedded tables on engines and adds them to a report.
///
/// # Errors
/// If the docs of the tables cannot be read.
pub fn run_examples(engines: &[EngineKind], report: &mut Report) -> Result<(), String> {
    let docs = opforge_tables::docs().map_err(|error| error.to_string())?;
    let without: Vec<&str> =
        docs.ops.iter().filter(|op| op.examples.is_empty()).map(|op| op.name.as_str()).collect();
    report.note(format!("opcodes without an example: {}", without.join(", ")));
    for op in &docs.ops {
        for (index, example) in op.examples.iter().enumerate() {
            let name = format!("{}, example {}: {}", op.name, index + 1, example.text);
            let outcome = check(op, example, engines);
            if outcome == Ok(Checked::Run) {
                report.count("examples run", 1);
            }
            report.case(&name, outcome.err().into_iter().collect());
        }
    }
    intrinsics(&docs, engines, report)
}

/// Runs the examples of intrinsics, each of which is an instruction too.
fn intrinsics(docs: &Docs, engines: &[EngineKind], report: &mut Report) -> Result<(), String> {
    let op = docs.op(Opcode::Intrinsic.didx()).ok_or("the opcode of intrinsics has no docs")?;
    for intrinsic in &docs.intrinsics {
        for (index, example) in intrinsic.examples.iter().enumerate() {
            let name = format!("{}, example {}: {}", intrinsic.name, index + 1, example.json);
            let outcome = check(op, example, engines);
            if outcome == Ok(Checked::Run) {
                report.count("examples of intrinsics run", 1);
            }
            report.case(&name, outcome.err().into_iter().collect());
        }
    }
    Ok(())
}

/// How far an example could be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Text and bytes; the example says nothing about values.
    Written,
    /// And the values.
    Run,
}

/// Checks one example.
///
/// # Errors
/// What differs.
pub fn check(op: &OpDoc, example: &ExampleDoc, engines: &[EngineKind]) -> Result<Checked, String> {
    let results = check_bytes(op, example)?;
    let Some(wanted) = Wanted::read(&example.json)? else { return Ok(Checked::Written) };
    let program = one_instruction(op, example, &wanted, &results)?;
    let code = program.code(FuncId(0)).unwrap_or(&[]);
    if !code.starts_with(&example.bytes) {
        return Err(format!("the text assembles to {}", to_hex(code)));
    }
    let verified = verify(program, &VerifyConfig::new()).map_err(|report| report.to_string())?;
    for engine in engines {
        let request = RunRequest {
            entry: 0,
            args: &wanted.args,
            limits: RunLimits::default(),
            pace: Pace::Whole,
            tracing: Tracing::Off,
        };
        let end = engine.load(&verified, FuelSchedule::V1)?.run(&request).end;
        if !wanted.end.is(&end) {
            return Err(format!("{engine}: {end}, the example says {}", wanted.end));
        }
    }
    Ok(Checked::Run)
}

/// Checks that the bytes are the instruction and that it is written as the text. Gives the registers it writes.
fn check_bytes(op: &OpDoc, example: &ExampleDoc) -> Result<Vec<u32>, String> {
    let code = Code::decode(&ISA, &example.bytes).map_err(|error| error.to_string())?;
    let &[instr] = code.instrs() else {
        return Err(format!("the bytes are {} instructions", code.instrs().len()));
    };
    if instr.didx != op.didx {
        return Err(format!("the bytes are {}", ISA.name(instr.didx)));
    }
    let operands: Vec<_> = code.values(&ISA, &instr).collect();
    let values: Vec<_> = operands.iter().map(|&(_, value)| value).collect();
    let mut bytes = Vec::new();
    codec::encode(&ISA, instr.didx, &values, &mut bytes).map_err(|error| error.to_string())?;
    if bytes != example.bytes {
        return Err(format!("the bytes {} are written as {}", to_hex(&example.bytes), to_hex(&bytes)));
    }
    let text = Line::new(&ISA, &code, &instr).to_string();
    if text != example.text {
        return Err(format!("the bytes are `{text}`"));
    }
    let writes = operands.iter().filter(|(row, _)| row.access().name() == "write");
    Ok(writes.flat_map(|(_, value)| value.entries()).collect())
}

/// What an example says about values.
struct Wanted {
    args: Vec<CaseValue>,
    end: WantedEnd,
}

enum WantedEnd {
    Results(Vec<CaseValue>),
    Trap(String),
}

impl Wanted {
    /// Reads `{"in": [..], "out": [..]}` or `{"in": [..], "trap": ".."}`; nothing where the example has no values.
    fn read(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let json: Json = serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?;
        let (Some(args), out, trap) = (json.get("in"), json.get("out"), json.get("trap")) else {
            return Ok(None);
        };
        let end = match (out, trap.and_then(Json::as_str)) {
            (Some(out), None) => WantedEnd::Results(CaseValue::list_from_json(out)?),
            (None, Some(trap)) => WantedEnd::Trap(trap.to_owned()),
            _ => return Err(format!("neither \"out\" nor \"trap\", or both: {text}")),
        };
        Ok(Some(Self { args: CaseValue::list_from_json(args)?, end }))
    }
}

impl WantedEnd {
    fn is(&self, end: &End) -> bool {
        match (self, end) {
            (Self::Results(wanted), End::Finished(values)) => {
                CaseValue::compare_all(wanted, values) == Likeness::Same
            }
            (Self::Trap(wanted), End::Trap(trap)) => (wanted, trap.func, trap.pc) == (&trap.kind, 0, 0),
            _ => false,
        }
    }
}

impl std::fmt::Display for WantedEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Results(values) => write!(f, "results {}", engine::list(values)),
            Self::Trap(kind) => write!(f, "trap {kind}"),
        }
    }
}

/// Assembles a function of the example's text that returns what the instruction writes. An instruction that is to
/// trap returns nothing, as the types of what it would write may not be known.
fn one_instruction(
    op: &OpDoc,
    example: &ExampleDoc,
    wanted: &Wanted,
    written: &[u32],
) -> Result<Program, String> {
    let params = types(&wanted.args)?;
    let (results, regs) = match &wanted.end {
        WantedEnd::Results(values) => {
            if values.len() != written.len() {
                return Err(format!("{} results, the instruction writes {}", values.len(), written.len()));
            }
            let regs: Vec<String> = written.iter().map(|reg| format!("r{reg}")).collect();
            (types(values)?, regs.join(", "))
        }
        WantedEnd::Trap(_) => (String::new(), String::new()),
    };
    let ends = ISA.op(op.didx).is_some_and(|row| row.term().name() != "none");
    let ret = if ends { String::new() } else { format!("ret ({regs})\n") };
    let has_memory = ISA
        .op(op.didx)
        .is_some_and(|row| row.operands().iter().any(|operand| operand.kind().name() == "mem_id"));
    let memory = if has_memory { ".memory 1 2\n" } else { "" };
    let source = format!("{memory}.func f({params}) -> ({results}) {{\n{}\n{ret}}}\n", example.text);
    assemble(&source).map_err(|errors| format!("{errors}\n{source}"))
}

/// The types of values, as the assembler writes them.
fn types(values: &[CaseValue]) -> Result<String, String> {
    let names = values.iter().map(|value| {
        Ok(match value {
            CaseValue::Unit => "unit".to_owned(),
            CaseValue::Bool(_) => "bool".to_owned(),
            CaseValue::I64(_) => "i64".to_owned(),
            CaseValue::U64(_) => "u64".to_owned(),
            CaseValue::F64(_) | CaseValue::AnyNan => "f64".to_owned(),
            CaseValue::Dec(..) => "decimal".to_owned(),
            CaseValue::Bytes(_) => "bytes".to_owned(),
            CaseValue::Str(_) => "str".to_owned(),
            CaseValue::Obj(host_type, _) => format!("obj({host_type})"),
            CaseValue::Func(_) => "func".to_owned(),
            other => return Err(format!("an example cannot have {other}: its shape is not declared")),
        })
    });
    Ok(names.collect::<Result<Vec<_>, String>>()?.join(", "))
}

#[cfg(test)]
mod tests;
