//! What the rows say about an opcode, fact by fact: one list for printing, comparing and explaining.

use opforge_schema::{
    ClassRow, Encoding, IntrinsicRow, Isa, OpRow, OperandRow, TrapCode, fuse_flags, op_flags,
};

/// One fact about an opcode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What it is about.
    pub(crate) name: &'static str,
    /// What it says; empty if there is nothing to say.
    pub(crate) text: String,
    /// What may stop working when it changes; empty if nothing does.
    pub(crate) breaks: &'static str,
}

/// An opcode's place as it is written everywhere: its byte, or prefix, page and byte.
pub(crate) fn place(didx: u16) -> String {
    if didx < 256 { format!("0x{didx:02X}") } else { format!("FC:{:02X}:{:02X}", didx >> 8, didx & 255) }
}

/// All facts of a row.
pub(crate) fn of(isa: &Isa<'_>, didx: u16, row: &OpRow) -> Vec<Fact> {
    let join = |list: Vec<String>, by: &str| list.join(by);
    let rules = row.rules().map(|rule| format!("{}({}, {})", rule.rule().name(), rule.a, rule.b)).collect();
    let none = |name: &'static str| if name == "none" { String::new() } else { name.to_owned() };
    [
        ("id", row.id.to_string(), "bytecode"),
        ("family", row.family().name().to_owned(), ""),
        ("operands", join(row.operands().iter().map(operand).collect(), ", "), "encoding or verifier"),
        ("text", template(isa.template(didx)), "text programs"),
        ("rules", join(rules, " "), "verifier"),
        ("check", none(row.hook().name()), "verifier"),
        ("typestate", none(row.typestate().name()), "verifier"),
        ("ends block", none(row.term().name()), "verifier"),
        ("effects", join(effects(row.flags.get()), " "), ""),
        ("traps", join(traps(row).map(|trap| trap.name().to_owned()).collect(), " "), "semantics"),
        ("fuel", fuel(row), "fuel"),
        ("since", row.since.to_string(), "old containers"),
        ("lowering", format!("{} {}{}", row.lower().name(), row.form().name(), fused(row)), ""),
        ("jit", format!("{} {}", row.jit().name(), row.clif().name()), ""),
    ]
    .into_iter()
    .map(|(name, text, breaks)| Fact { name, text, breaks })
    .collect()
}

/// The traps that the opcode can end in.
pub(crate) fn traps(row: &OpRow) -> impl Iterator<Item = TrapCode> {
    TrapCode::ALL.iter().copied().filter(|&trap| trap != TrapCode::None && row.traps_with(trap))
}

/// An operand: kind, encoding where it is not the usual one, access, type.
pub(crate) fn operand(operand: &OperandRow) -> String {
    let mut out = operand.kind().name().to_owned();
    if operand.enc() != operand.kind().encoding() || operand.enc() == Encoding::None {
        out += &format!("/{}", operand.enc().name());
    }
    if operand.kind().is_register() {
        out += &format!(" {} {}", operand.access().name(), operand.ty().name());
        if operand.ty().takes_operand() {
            out += &format!(":{}", operand.arg);
        }
    }
    out
}

/// A text template with operand numbers in braces.
pub(crate) fn template(code: &[u8]) -> String {
    code.iter()
        .map(|&byte| if byte < 0x80 { char::from(byte).to_string() } else { format!("{{{}}}", byte & 0x7f) })
        .collect()
}

fn fuel(row: &OpRow) -> String {
    match row.fuel_shift {
        0 => row.fuel.to_string(),
        shift => {
            let counted: Vec<String> =
                (0..8).filter(|i| row.fuel_operands >> i & 1 == 1).map(|i| i.to_string()).collect();
            let bytes = 1u64.checked_shl(shift.into()).unwrap_or(0);
            format!("{} and 1 for {bytes} bytes of operand {}", row.fuel, counted.join(", "))
        }
    }
}

fn fused(row: &OpRow) -> String {
    [(fuse_flags::IMM, " +immediate"), (fuse_flags::BRANCH, " +branch")]
        .into_iter()
        .filter(|&(bit, _)| row.fuses(bit))
        .map(|(_, name)| name)
        .collect()
}

fn effects(flags: u16) -> Vec<String> {
    [
        (op_flags::PURE, "pure"),
        (op_flags::CALL_LIKE, "call"),
        (op_flags::HOST, "host"),
        (op_flags::ALLOC, "allocates"),
        (op_flags::MEM_READ, "reads-heap"),
        (op_flags::MEM_WRITE, "writes-memory"),
        (op_flags::SUSPENDS, "suspends"),
    ]
    .into_iter()
    .filter(|&(bit, _)| flags & bit == bit)
    .map(|(_, name)| name.to_owned())
    .collect()
}

/// All facts of an intrinsic.
pub(crate) fn intrinsic(isa: &Isa<'_>, row: &IntrinsicRow) -> Vec<Fact> {
    let slots = |tags: &[u8]| {
        let class = |&tag: &u8| isa.classes.get(usize::from(tag)).map_or("?", ClassRow::as_str);
        tags.iter().map(class).collect::<Vec<_>>().join(" ")
    };
    let traps: Vec<&str> = TrapCode::ALL
        .iter()
        .filter(|&&trap| trap != TrapCode::None && row.traps_with(trap))
        .map(|trap| trap.name())
        .collect();
    let fuel = match row.fuel_shift {
        0 => row.fuel.to_string(),
        shift => {
            format!("{} and 1 for {} bytes of text", row.fuel, 1u64.checked_shl(shift.into()).unwrap_or(0))
        }
    };
    [
        ("layout", signature(isa, row), ""),
        ("argument slots", slots(row.arg_slots()), "verifier"),
        ("result slots", slots(row.ret_slots()), "verifier"),
        ("effects", effects(row.flags.get()).join(" "), ""),
        ("traps", traps.join(" "), "semantics"),
        ("fuel", fuel, "fuel"),
        ("since", row.since.to_string(), ""),
    ]
    .into_iter()
    .map(|(name, text, breaks)| Fact { name, text, breaks })
    .collect()
}

/// The types of an intrinsic: `(vec2, vec2) -> (float)`.
pub(crate) fn signature(isa: &Isa<'_>, row: &IntrinsicRow) -> String {
    let names = |entries: &[u8]| entries.iter().map(|&e| isa.layout_name(e)).collect::<Vec<_>>().join(", ");
    format!("({}) -> ({})", names(row.args()), names(row.rets()))
}
