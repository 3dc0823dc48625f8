//! Blobs as text, for people and for `git diff`. One row is one line; rows stand under their position, so a
//! changed row is one changed line.

use crate::upgrade;
use opforge_schema::docs::Docs;
use opforge_schema::zerocopy::FromBytes;
use opforge_schema::{
    ClassRow, Encoding, Header, IntrinsicRow, Isa, LookupRow, NameRow, OpRow, OperandRow, TableRow, TextRow,
    TrapCode, TypeRow, TypeRule, Typestate, didx_of, fuse_flags, op_flags,
};
use std::fmt::Write as _;

/// Names of the op flags, by bit.
pub const FLAGS: &[(u16, &str)] = &[
    (op_flags::TERMINATOR, "terminator"),
    (op_flags::CALL_LIKE, "call"),
    (op_flags::HOST, "host"),
    (op_flags::MAY_TRAP, "may_trap"),
    (op_flags::ALLOC, "alloc"),
    (op_flags::PURE, "pure"),
    (op_flags::MEM_READ, "mem_read"),
    (op_flags::MEM_WRITE, "mem_write"),
    (op_flags::SUSPENDS, "suspends"),
];

/// The text of one blob, told apart by its header; what has no header is read as docs.
///
/// # Errors
/// If the bytes are no table that this version knows.
pub fn blob(bytes: &[u8]) -> Result<String, String> {
    if let Some(bytes) = upgrade::blob(bytes) {
        return blob(&bytes);
    }
    let head = bytes.first_chunk::<16>().and_then(|h| Header::read_from_bytes(h).ok());
    let Some(header) = head.filter(|h| h.magic == Header::MAGIC) else {
        return Ok(docs(&Docs::read(bytes).map_err(|e| e.to_string())?));
    };
    match header.table.get() {
        OpRow::TABLE => table::<OpRow>(bytes, |i, r| r.present().then(|| op(didx_of(i), r))),
        NameRow::TABLE => table::<NameRow>(bytes, |i, r| {
            (r.len > 0).then(|| format!("{} {}", didx(didx_of(i)), r.as_str()))
        }),
        TextRow::TABLE => table::<TextRow>(bytes, |i, r| {
            (r.len > 0).then(|| format!("{} {}", didx(didx_of(i)), template(r.template())))
        }),
        LookupRow::TABLE => table::<LookupRow>(bytes, |_, r| {
            let alias = if r.alias == 1 { " alias" } else { "" };
            Some(format!("{:<24}{}{alias}", r.name.as_str(), didx(r.didx.get())))
        }),
        ClassRow::TABLE => table::<ClassRow>(bytes, |_, r| {
            let (rule, heap) = (TypeRule::from_code(r.rule), if r.heap() { " heap" } else { "" });
            let rule = rule.map_or("?", TypeRule::name);
            let linear = if r.linear() { " linear" } else { "" };
            Some(format!("{:>2} {:<12} slots {} type {rule}{heap}{linear}", r.tag, r.as_str(), r.slots))
        }),
        TypeRow::TABLE => {
            table::<TypeRow>(bytes, |_, r| Some(format!("{:<12} classes {:?}", r.as_str(), r.slots())))
        }
        IntrinsicRow::TABLE => table::<IntrinsicRow>(bytes, |_, r| Some(intrinsic(r))),
        other => Err(format!("table {other} is not known")),
    }
}

fn table<R: TableRow>(bytes: &[u8], line: impl Fn(usize, &R) -> Option<String>) -> Result<String, String> {
    let rows: &[R] = Isa::rows(bytes).map_err(|e| e.to_string())?;
    let mut out = format!("{} format {} rows {}\n", R::NAME, Header::FORMAT, rows.len());
    for text in rows.iter().enumerate().filter_map(|(i, row)| line(i, row)) {
        let _ = writeln!(out, "{text}");
    }
    Ok(out)
}

/// A position as it is written everywhere.
#[must_use]
pub fn didx(didx: u16) -> String {
    if didx < 256 { format!("0x{didx:02X}") } else { format!("FC:{:02X}:{:02X}", didx >> 8, didx & 255) }
}

fn op(at: u16, row: &OpRow) -> String {
    let mut out = format!("{} id {} since {} {}", didx(at), row.id.get(), row.since, row.family().name());
    let operands: Vec<String> = row.operands().iter().map(operand).collect();
    let _ = write!(out, " | {} | fuel {}", operands.join(", "), fuel(row));
    if row.term != 0 {
        let _ = write!(out, " term {}", row.term().name());
    }
    let _ = write!(out, " | {} | traps {}", flags(row.flags.get()), traps(row));
    for rule in row.rules() {
        let _ = write!(out, " | {}({}, {})", rule.rule().name(), rule.a, rule.b);
    }
    let _ = write!(out, " | lower {} {}", row.lower().name(), row.form().name());
    let names = [
        (fuse_flags::IMM, " imm"),
        (fuse_flags::BRANCH, " branch"),
        (fuse_flags::POW2_SHIFT, " pow2_shift"),
        (fuse_flags::POW2_MASK, " pow2_mask"),
        (fuse_flags::LEAD, " lead"),
        (fuse_flags::FOLLOW, " follow"),
        (fuse_flags::COMMUTES, " commutes"),
    ];
    for (bit, name) in names {
        out.push_str(if row.fuses(bit) { name } else { "" });
    }
    let _ = write!(out, " | jit {} {}", row.jit().name(), row.clif().name());
    let _ = write!(out, " | hook {} min_len {}", row.hook().name(), row.min_len);
    if row.typestate() != Typestate::None {
        let _ = write!(out, " | typestate {}", row.typestate().name());
    }
    out
}

/// An operand: access, kind, encoding where it is not the usual one, type.
#[must_use]
pub fn operand(o: &OperandRow) -> String {
    let mut out = o.kind().name().to_owned();
    if o.enc() != Encoding::Uleb32 {
        let _ = write!(out, "/{}", o.enc().name());
    }
    if o.access != 0 {
        let _ = write!(out, " {} {}", o.access().name(), o.ty().name());
        if o.ty().takes_operand() {
            let _ = write!(out, ":{}", o.arg);
        }
    }
    out
}

/// Fuel, with its size part.
#[must_use]
pub fn fuel(row: &OpRow) -> String {
    match row.fuel_shift {
        0 => row.fuel.get().to_string(),
        shift => format!("{} + bytes>>{shift} of {:#010b}", row.fuel.get(), row.fuel_operands),
    }
}

/// Names of the set flags.
#[must_use]
pub fn flags(bits: u16) -> String {
    let names: Vec<&str> = FLAGS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, n)| *n).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

/// Names of the traps that can happen.
#[must_use]
pub fn traps(row: &OpRow) -> String {
    let names: Vec<&str> = TrapCode::ALL.iter().filter(|t| row.traps_with(**t)).map(|t| t.name()).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

/// A text template with operand numbers in braces.
#[must_use]
pub fn template(code: &[u8]) -> String {
    let mut out = String::new();
    for &b in code {
        if b >= 0x80 {
            let _ = write!(out, "{{{}}}", b & 0x7f);
        } else {
            out.push(char::from(b));
        }
    }
    out
}

fn intrinsic(row: &IntrinsicRow) -> String {
    let mut out = format!("{:>5} {:<24}", row.id.get(), row.name.as_str());
    for (what, entries, slots) in
        [("args", row.args(), row.arg_slots()), ("rets", row.rets(), row.ret_slots())]
    {
        let _ = write!(out, "{what} {} slots {slots:?} | ", layout(entries));
    }
    let _ = write!(out, "fuel {}", intrinsic_fuel(row));
    let traps: Vec<&str> = TrapCode::ALL.iter().filter(|t| row.traps_with(**t)).map(|t| t.name()).collect();
    let traps = if traps.is_empty() { "-".to_owned() } else { traps.join(" ") };
    let _ = write!(out, " | {} | traps {traps} since {}", flags(row.flags.get()), row.since);
    out
}

/// The entries of a layout: `t0` is the first logical type, other numbers are classes.
fn layout(entries: &[u8]) -> String {
    let entry = |&e: &u8| match opforge_schema::layout::type_index(e) {
        Some(index) => format!("t{index}"),
        None => e.to_string(),
    };
    format!("({})", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
}

/// Fuel of an intrinsic, with its size part.
#[must_use]
pub fn intrinsic_fuel(row: &IntrinsicRow) -> String {
    match row.fuel_shift {
        0 => row.fuel.get().to_string(),
        shift => format!("{} + bytes>>{shift}", row.fuel.get()),
    }
}

fn docs(docs: &Docs) -> String {
    let (ops, intrinsics) = (docs.ops.len(), docs.intrinsics.len());
    let mut out = format!("vm.docs isa_version {} ops {ops} intrinsics {intrinsics}\n", docs.isa_version);
    for op in &docs.ops {
        let traps: Vec<&str> =
            op.traps.iter().filter_map(|t| TrapCode::from_code(*t)).map(TrapCode::name).collect();
        let _ = writeln!(out, "{} {}({}): {}", didx(op.didx), op.name, op.operands.join(", "), op.doc);
        for (what, text) in [
            ("traps", traps.join(", ")),
            ("sem", op.sem.clone()),
            ("wasm", op.wasm.clone()),
            ("deviates", op.deviates.clone()),
        ] {
            if !text.is_empty() {
                let _ = writeln!(out, "  {what}: {text}");
            }
        }
        for e in &op.examples {
            let bytes: Vec<String> = e.bytes.iter().map(|b| format!("{b:02x}")).collect();
            let line = format!("  e.g. {} = {} {}", e.text, bytes.join(" "), e.json);
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    for intrinsic in &docs.intrinsics {
        let (id, name, args) = (intrinsic.id, &intrinsic.name, intrinsic.args.join(", "));
        let _ = writeln!(out, "intrinsic {id} {name}({args}): {}", intrinsic.doc);
        let _ = writeln!(out, "  sem: {}", intrinsic.sem);
        for e in &intrinsic.examples {
            let bytes: Vec<String> = e.bytes.iter().map(|b| format!("{b:02x}")).collect();
            let _ = writeln!(out, "  e.g. {} = {} {}", e.text, bytes.join(" "), e.json);
        }
    }
    out
}
