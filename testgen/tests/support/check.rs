//! The properties that every generated program is checked for.

use super::health::Health;
use super::peer::{Compared, Peer, compare};
use super::run::{Counts, Drive, End, Interrupts, Machine, Ran, fuel_of_segment};
use opforge_tables::ISA;
use opforge_testgen::GeneratedProgram;
use opforge_vm::asm::assemble;
use opforge_vm::codec::Code;
use opforge_vm::container::{self, DecodeConfig};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::program::ContainerVersion;
use opforge_vm::trap::FrameInfo;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{FuelSchedule, Limits, Opcode, Program, Trap, TrapCode};

/// Enough fuel for most programs.
const PLENTY: u64 = 20_000;

/// The most bytes that a run of the peer may come to copy.
const MOST_COPIED: u64 = 256 << 20;

/// Why the peer refuses programs of the full dialect: it forgets shapes at block edges, keeps those
/// of overwritten registers, gives registers no type that only unreachable code writes, and knows only the opcodes
/// that were there first.
const REFUSALS: &[&str] = &[
    "BytecodeDecode",
    "UnknownTypeAtUse",
    "UnknownTypeAtSelect",
    "UnstableRegType",
    "UnstableRegTypeAt",
    "AggKindMismatch",
];

/// What is to be found out about a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    /// Varies limits and slices.
    pub(crate) seed: u64,
    /// 0 if the program is in the peer's dialect.
    pub(crate) dialect: usize,
}

/// Checks a program.
///
/// # Errors
/// What is wrong.
pub(crate) fn check(of: &GeneratedProgram, task: Task, health: &mut Health) -> Result<(), String> {
    let bytes = round_trips(&of.program)?;
    let verified = verify(of.program.clone(), &VerifyConfig::new());
    let verified = verified.map_err(|report| format!("refused: {report}"))?;
    health.programs += 1;
    health.peer_programs[task.dialect] += 1;
    let peer = match Peer::new(&bytes) {
        Ok(peer) => {
            health.peer_accepted[task.dialect] += 1;
            Some(peer)
        }
        Err(why) => {
            let kind = why.split(['{', '(']).next().unwrap_or(&why).trim();
            let newer = of.program.version() > ContainerVersion::V0_1 && why.contains("UnsupportedVersion");
            if task.dialect == 0 || !newer && !REFUSALS.contains(&kind) {
                return Err(format!("the peer refuses the program: {why}"));
            }
            *health.peer_refusals.entry(kind.to_owned()).or_default() += 1;
            None
        }
    };
    let mut checker = Checker {
        of,
        task,
        verified: &verified,
        v1: Machine::new(&verified, FuelSchedule::V1),
        by_size: Machine::new(&verified, FuelSchedule::BySize),
        peer,
        health,
    };
    (0..of.inputs.len())
        .try_for_each(|input| checker.input(input).map_err(|why| format!("input {input}: {why}")))
}

fn round_trips(program: &Program) -> Result<Vec<u8>, String> {
    let bytes = container::encode(program).map_err(|error| format!("encode: {error}"))?;
    let decoded =
        container::decode(&bytes, &DecodeConfig::new()).map_err(|error| format!("decode: {error}"))?;
    let again = container::encode(&decoded).map_err(|error| format!("encode again: {error}"))?;
    if bytes != again {
        return Err("decoding and encoding changed the container".to_owned());
    }
    let text = disassemble(program, &DisasmOptions::exact());
    let assembled = assemble(&text).map_err(|errors| format!("assemble: {errors}\n{text}"))?;
    let again = container::encode(&assembled).map_err(|error| format!("encode assembled: {error}"))?;
    if bytes != again {
        return Err(format!("disassembling and assembling changed the container\n{text}"));
    }
    Ok(bytes)
}

struct Checker<'p> {
    of: &'p GeneratedProgram,
    task: Task,
    verified: &'p VerifiedProgram,
    v1: Machine,
    by_size: Machine,
    peer: Option<Peer>,
    health: &'p mut Health,
}

fn differ<T>(what: &str, one: &Ran, other: &Ran) -> Result<T, String> {
    Err(format!("{what} differ\nfirst:  {one:?}\nsecond: {other:?}"))
}

impl Checker<'_> {
    fn limits(&self) -> Limits {
        let seed = self.task.seed;
        let memory = if seed % 8 == 7 { 64 + seed / 8 % 16 * 48 } else { 1 << 20 };
        let host_calls = if seed % 8 == 6 { seed / 8 % 4 } else { 24 };
        // What linear memories take at first is no limit of the run.
        let memory = memory + self.of.linear_bytes();
        Limits::new().fuel(PLENTY).call_depth(24).host_calls(host_calls).memory(memory)
    }

    fn input(&mut self, input: usize) -> Result<(), String> {
        let Some(whole) = self.v1.run(self.of, input, self.limits(), Drive::Whole) else { return Ok(()) };
        self.health.add(&whole.end, self.v1.module());
        self.well_formed(&whole)?;
        self.same_again(input, self.limits(), &whole)?;
        self.sliced(input, &whole)?;
        self.by_size(input, &whole)?;
        self.against_peer(input, self.limits(), &whole)?;
        self.scarce(input, &whole)
    }

    /// A trap is at an instruction, whose row names it, and reports the fuel that is left.
    fn well_formed(&self, ran: &Ran) -> Result<(), String> {
        let Some(trap) = ran.end.trap() else { return Ok(()) };
        let Some(opcode) = self.opcode_at(trap) else { return Err(format!("no instruction is at {trap:?}")) };
        let row = ISA.op(opcode).ok_or("no such opcode")?;
        if trap.code != TrapCode::FuelExceeded && !row.traps_with(trap.code) {
            return Err(format!("the row of {} does not name {trap:?}", ISA.name(opcode)));
        }
        if trap.fuel != ran.fuel {
            return Err(format!("fuel left is {}, but the trap says {trap:?}", ran.fuel));
        }
        Ok(())
    }

    fn opcode_at(&self, trap: &Trap) -> Option<u16> {
        let code: &Code = self.verified.function(trap.at().func)?.code();
        code.instrs().iter().find(|instr| instr.pc == trap.at().pc).map(|instr| instr.didx)
    }

    /// The same once more, and traced.
    fn same_again(&mut self, input: usize, limits: Limits, whole: &Ran) -> Result<(), String> {
        let again = self.v1.run(self.of, input, limits, Drive::Whole).ok_or("refused the second time")?;
        if again != *whole {
            return differ("two runs", whole, &again);
        }
        let counts: &mut Counts = &mut self.health.exercised.counts;
        (counts.instrs, counts.depth) = (0, 0);
        let traced =
            self.v1.run(self.of, input, limits, Drive::Traced(counts)).ok_or("refused the third time")?;
        let instrs = self.health.exercised.counts.instrs;
        self.health.exercised.counts.take_intrinsics(self.v1.module());
        if traced != *whole {
            return differ("traced and untraced", &traced, whole);
        }
        // A run that is out of fuel could go on.
        if self.health.exercised.counts.depth != 0 && !matches!(whole.end, End::OutOfFuel(_)) {
            return Err(format!("{} scopes were not left: {whole:?}", self.health.exercised.counts.depth));
        }
        // What the host charges stops at zero, where less is taken than it says.
        let used = limits.fuel - whole.fuel;
        if used > instrs + whole.charged || whole.fuel > 0 && used != instrs + whole.charged {
            return Err(format!(
                "{instrs} instructions and {} charged took {used} fuel: {whole:?}",
                whole.charged
            ));
        }
        Ok(())
    }

    fn sliced(&mut self, input: usize, whole: &Ran) -> Result<(), String> {
        let (slice, limits) = (1 + self.task.seed % 41, self.limits());
        for (name, machine, expected) in
            [("V1", &mut self.v1, Some(whole)), ("by size", &mut self.by_size, None)]
        {
            let own;
            let expected = match expected {
                Some(expected) => expected,
                None => {
                    own = machine.run(self.of, input, limits, Drive::Whole).ok_or("refused by size")?;
                    &own
                }
            };
            let (module, entry) = (machine.module().clone(), self.of.entry);
            let mut segments = |at: Option<FrameInfo>| {
                let (func, pc) = at.map_or((entry, 0), |at| (at.func, at.pc));
                fuel_of_segment(&module, func, pc)
            };
            let slices = (format!("slices of {slice}"), Drive::Sliced(slice));
            let other = if (self.task.seed / 2).is_multiple_of(2) {
                ("slices by segment".to_owned(), Drive::Paced(&mut segments, Interrupts::Never))
            } else {
                ("interruptions".to_owned(), Drive::Interrupted(Interrupts::AtHostCalls))
            };
            for (what, drive) in [slices, other] {
                let sliced = machine.run(self.of, input, limits, drive).ok_or("refused in slices")?;
                // A charge that finds less fuel takes less, and slices have less at a time.
                let same = if expected.charged == 0 {
                    sliced.without_pace() == expected.without_pace()
                } else {
                    matches!(expected.end, End::OutOfFuel(_))
                        || sliced.end.without_fuel() == expected.end.without_fuel()
                };
                if !same {
                    return differ(&format!("whole and in {what}, {name},"), expected, &sliced);
                }
            }
        }
        Ok(())
    }

    fn by_size(&mut self, input: usize, whole: &Ran) -> Result<(), String> {
        let limits = self.limits().fuel(PLENTY * 8);
        let by_size = self.by_size.run(self.of, input, limits, Drive::Whole).ok_or("refused by size")?;
        if [&by_size, whole].iter().any(|ran| matches!(ran.end, End::OutOfFuel(_))) {
            return Ok(());
        }
        if by_size.end.without_fuel() != whole.end.without_fuel() {
            return differ("schedules", whole, &by_size);
        }
        if PLENTY * 8 - by_size.fuel < PLENTY - whole.fuel {
            return differ("fuel by size is less than by count:", &by_size, whole);
        }
        Ok(())
    }

    /// With no fuel, one, exactly enough and one less.
    fn scarce(&mut self, input: usize, whole: &Ran) -> Result<(), String> {
        let used = PLENTY - whole.fuel;
        let ends = !matches!(whole.end, End::OutOfFuel(_));
        for fuel in [0, 1, used, used.saturating_sub(1)] {
            let limits = self.limits().fuel(fuel);
            let ran = self.v1.run(self.of, input, limits, Drive::Whole).ok_or("refused with less fuel")?;
            let enough = fuel >= used;
            let right = match &ran.end {
                End::OutOfFuel(trap) => {
                    trap.code == TrapCode::FuelExceeded && ran.fuel == 0 && (!enough || !ends)
                }
                end => {
                    enough
                        && ends
                        && end.without_fuel() == whole.end.without_fuel()
                        && ran.fuel == fuel - used
                }
            };
            if !right {
                return differ(&format!("plenty and {fuel} fuel of {used} that are needed"), whole, &ran);
            }
            self.well_formed(&ran)?;
            if fuel == used.saturating_sub(1) {
                self.same_again(input, limits, &ran)?;
            }
            self.against_peer(input, limits, &ran)?;
        }
        let used = self.by_size.run(self.of, input, self.limits(), Drive::Whole).ok_or("refused by size")?;
        if let (End::Finished(_), Some(less)) = (&used.end, (PLENTY - used.fuel).checked_sub(1)) {
            let limits = self.limits().fuel(less);
            let ran = self.by_size.run(self.of, input, limits, Drive::Whole).ok_or("refused by size")?;
            if !matches!(ran.end, End::OutOfFuel(_)) {
                return differ("by size, enough fuel and one less do not", &used, &ran);
            }
        }
        Ok(())
    }

    fn against_peer(&mut self, input: usize, limits: Limits, own: &Ran) -> Result<(), String> {
        if self.peer.is_none() {
            return Ok(());
        }
        // The peer has no memory limit, and would allocate without bound.
        if own.end.trap().is_some_and(|trap| trap.code == TrapCode::MemoryLimitExceeded) {
            self.health.skip("memory limit");
            return Ok(());
        }
        // It copies text and bytes where opforge does not, and keeps every copy until the run ends.
        if own.memory.saturating_mul(limits.fuel - own.fuel) > MOST_COPIED {
            self.health.skip("copies");
            return Ok(());
        }
        // The bits of a NaN are the CPU's there. Programs of its dialect look at those of numbers only.
        if self.task.dialect == 1 && self.looks_at_bits(input, limits) {
            self.health.skip("bits of a float");
            return Ok(());
        }
        // Where the peer goes on and opforge does not, as it may at the limits of integers, it goes on alone.
        let used = limits.fuel - own.fuel;
        let limits = if let End::OutOfFuel(_) = own.end { limits } else { limits.fuel(used) };
        let opcode = own.end.trap().and_then(|trap| self.opcode_at(trap)).map(|didx| ISA.name(didx));
        let Some(peer) = &self.peer else { return Ok(()) };
        match compare(own, opcode, &peer.run(self.of, input, &limits)) {
            Ok(Compared::Same) => self.health.peer_compared += 1,
            Ok(Compared::FloatLimit) => self.health.skip("float limit"),
            Ok(Compared::BrokenShape) => self.health.skip("broken shape"),
            Ok(Compared::PeerDefect) if self.task.dialect == 1 => self.health.skip("peer defect"),
            Ok(Compared::PeerDefect) => return Err(format!("the peer meets InvalidPc, opforge {own:?}")),
            Err(why) => return Err(format!("with {} fuel the peer differs\n{why}", limits.fuel)),
        }
        Ok(())
    }

    /// Whether a run looks at the bits of a float.
    fn looks_at_bits(&mut self, input: usize, limits: Limits) -> bool {
        let mut counts = Counts::default();
        self.v1.run(self.of, input, limits, Drive::Traced(&mut counts));
        counts.ops.get(usize::from(Opcode::F64ToBits.didx())).is_some_and(|&n| n > 0)
    }
}
