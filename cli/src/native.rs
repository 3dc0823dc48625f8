//! Native code: compiling a program for it, and its listing.

use crate::args::Schedule;
use crate::explain;
use crate::failure::{Failure, Problem};
use crate::text::clean;
use opforge::disasm::Line;
use opforge::jit::{JitConfig, JitEngine, JitError, Listing, ListingPart, NativeInstr, NativePart, Source};
use opforge::verify::VerifiedProgram;
use opforge::{Engine, EngineConfig, FuelSchedule, FuncId, ISA};
use std::fmt::Write as _;

/// In programs of more functions than this, indices stand for their names.
const MAX_NAMED: usize = 1000;

/// The engine of a fuel schedule.
pub(crate) fn engine(schedule: Schedule) -> Engine {
    let schedule = match schedule {
        Schedule::BySize => FuelSchedule::BySize,
        Schedule::V1 => FuelSchedule::V1,
    };
    Engine::new(EngineConfig::new().schedule(schedule))
}

/// Why there is no native code.
pub(crate) fn failed(error: &JitError) -> Failure {
    let text = error.to_string();
    let message = text.split_once("]: ").map_or(text.as_str(), |(_, message)| message);
    Problem::new(error.code(), message, explain::hint(error.code())).into()
}

/// Compiles a program, to be listed.
pub(crate) fn disassemble(verified: &VerifiedProgram, schedule: Schedule) -> Result<Listing, Failure> {
    let config = JitConfig::new().engine(engine(schedule));
    JitEngine::new(config).and_then(|engine| engine.disassemble(verified)).map_err(|error| failed(&error))
}

/// Prints every part, line by line, and the sizes.
pub(crate) fn print(verified: &VerifiedProgram, listing: &Listing, line: &mut dyn FnMut(&str)) {
    let schedule = match listing.program().module().program().schedule {
        FuelSchedule::V1 => "v1",
        FuelSchedule::BySize => "by-size",
        _ => "other",
    };
    line(&format!("; native code for {}, fuel schedule {schedule}", listing.architecture()));
    let mut sizes = Sizes::default();
    for part in listing.parts() {
        sizes.add(&part);
        print_part(verified, &part, line);
    }
    line("");
    sizes.print(listing, line);
}

/// Bytes by kind of part.
#[derive(Debug, Default)]
struct Sizes {
    functions: (usize, usize),
    enter: (usize, usize),
    refill: usize,
}

impl Sizes {
    fn add(&mut self, part: &ListingPart<'_>) {
        let size = part.range().len();
        let (count, bytes) = match part.part() {
            NativePart::Function(_) => &mut self.functions,
            NativePart::Enter(_) => &mut self.enter,
            _ => return self.refill += size,
        };
        *count += 1;
        *bytes += size;
    }

    fn print(&self, listing: &Listing, line: &mut dyn FnMut(&str)) {
        let (functions, enter) = (self.functions, self.enter);
        let total = listing.program().code_size();
        let used = functions.1 + enter.1 + self.refill;
        line(&format!("; functions  {:>8} bytes in {}", functions.1, functions.0));
        line(&format!("; entry      {:>8} bytes in {}, one for each class of signatures", enter.1, enter.0));
        line(&format!("; refill     {:>8} bytes", self.refill));
        line(&format!("; alignment  {:>8} bytes", total.saturating_sub(used)));
        line(&format!("; total      {total:>8} bytes"));
        line(&format!("; frames     {:>8} at most at once", listing.program().max_native_frames()));
    }
}

fn print_part(verified: &VerifiedProgram, part: &ListingPart<'_>, line: &mut dyn FnMut(&str)) {
    let range = part.range();
    let name = label(verified, part.part());
    line(&format!("\n{name}: 0x{:x}..0x{:x}, {} bytes", range.start, range.end, range.len()));
    let mut last: Option<Source> = None;
    for instr in part.instructions() {
        if instr.source != last {
            line(&match (part.part(), instr.source) {
                (NativePart::Function(func), Some(source)) => place(verified, func, source),
                _ => "  ; of no one instruction".to_owned(),
            });
            last = instr.source;
        }
        line(&instruction(verified, &instr));
    }
}

fn label(verified: &VerifiedProgram, part: NativePart) -> String {
    let name = |func: FuncId| {
        let name = verified.program().func_name(func).map(clean);
        name.map_or_else(|| func.to_string(), |name| format!("{name} ({func})"))
    };
    match part {
        NativePart::Function(func) => name(func),
        NativePart::Enter(func) => format!("entry of {} and all of its class", name(func)),
        other => other.to_string(),
    }
}

/// The line above the code of another instruction.
fn place(verified: &VerifiedProgram, func: FuncId, source: Source) -> String {
    let program = verified.program();
    let code = verified.function(func).map(|func| func.code());
    let found = code.and_then(|code| Some((code, code.instr(code.at_pc(source.pc)?)?)));
    let text = found.map_or(String::new(), |(code, instr)| {
        let line = Line::new(&ISA, code, instr);
        let named = program.functions().len() <= MAX_NAMED;
        clean(&if named { line.program(program).to_string() } else { line.to_string() })
    });
    format!("  ; pc {}, segment {}: {text}", source.pc, source.segment)
}

fn instruction(verified: &VerifiedProgram, instr: &NativeInstr<'_>) -> String {
    let mut bytes = String::new();
    for byte in instr.bytes {
        let _ = write!(bytes, "{byte:02x}");
    }
    let mut text = format!("  {:06x}  {bytes:<22}  {}", instr.offset, instr.text);
    if let Some(callee) = instr.callee {
        let _ = write!(text, "    ; {}", label(verified, callee));
    }
    if let Some(at) = instr.reads {
        let _ = write!(text, "    ; reads 0x{at:x}");
    }
    text
}
