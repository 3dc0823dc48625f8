//! What makes a table well formed, as `const` functions, so that the embedded tables are checked while
//! compiling and tables loaded at run time are checked by the same code.
//!
//! Each function takes one row and returns what is wrong with it, in words, or `None`.

use crate::codes::{
    Access, Clif, Encoding, Family, Form, Hook, JitClass, Lower, OperandKind, Rule, Term, TrapCode, TypeRule,
    Typestate,
};
use crate::isa::Isa;
use crate::rows::{
    ClassRow, Header, LookupRow, MAX_NAME, MAX_OPERANDS, MAX_RULES, NameRow, OpRow, OperandRow, RuleRow,
    TableRow, TextRow, TypeRow, class_flags, fuse_flags, op_flags,
};
use crate::rows::{FIRST_FOREIGN_ID, FIRST_FOREIGN_PAGE, LAST_PAGE, OWN_PAGES, didx_of, is_foreign, row_of};

mod layouts;

pub use layouts::intrinsic;

/// Every bit of [`OpRow::flags`] that has a meaning.
const KNOWN_FLAGS: u16 = (op_flags::SUSPENDS << 1) - 1;
/// Rows of embedders' pages that a table may have.
const MAX_FOREIGN: usize = (LAST_PAGE as usize - FIRST_FOREIGN_PAGE as usize + 1) << 8;

/// Checks the header of a table of `R` rows in a file of `len` bytes.
#[must_use]
pub const fn header<R: TableRow>(header: &Header, len: usize) -> Option<&'static str> {
    let magic = header.magic;
    if magic[0] != b'O' || magic[1] != b'P' || magic[2] != b'F' || magic[3] != b'T' {
        return Some("bad magic: not an opforge table");
    }
    if header.format.get() != Header::FORMAT {
        return Some("another version of the table format");
    }
    if header.table.get() != R::TABLE {
        return Some("the header names another table");
    }
    if header.row_size.get() as usize != size_of::<R>() {
        return Some("the rows have another size: the row type changed");
    }
    if header.reserved.get() != 0 {
        return Some("reserved header bytes are not zero");
    }
    let body = len.saturating_sub(size_of::<Header>());
    if len < size_of::<Header>() || header.rows.get() as u64 * size_of::<R>() as u64 != body as u64 {
        return Some("the row count does not fit the length of the file");
    }
    None
}

/// Checks that a table with a row per opcode position has the VM's pages and at most those of embedders besides.
#[must_use]
pub const fn pages(rows: usize) -> Option<&'static str> {
    if rows < OWN_PAGES << 8 || rows - (OWN_PAGES << 8) > MAX_FOREIGN {
        return Some("not the VM's pages with at most pages 16 to 31 behind them");
    }
    None
}

/// The first problem of any row of tables, looked at one by one.
#[must_use]
pub const fn rows(isa: &Isa<'_>) -> Option<&'static str> {
    let mut found = pages(isa.ops.len());
    if isa.names.len() != isa.ops.len() || isa.text.len() != isa.ops.len() {
        return Some("another number of names or texts than of opcodes");
    }
    let mut i = 0;
    while i < isa.ops.len() && found.is_none() {
        found = op(&isa.ops[i], didx_of(i) as usize);
        if found.is_none() {
            found = name(&isa.names[i], isa.ops[i].present());
        }
        if found.is_none() {
            found = text(&isa.text[i], &isa.ops[i]);
        }
        i += 1;
    }
    i = 0;
    while i < isa.lookup.len() && found.is_none() {
        let before = if i == 0 { None } else { Some(&isa.lookup[i - 1]) };
        found = lookup(&isa.lookup[i], before, isa.ops);
        i += 1;
    }
    i = 0;
    while i < isa.classes.len() && found.is_none() {
        found = class(&isa.classes[i], i);
        i += 1;
    }
    i = 0;
    while i < isa.types.len() && found.is_none() {
        found = logical_type(&isa.types[i], isa.classes.len());
        i += 1;
    }
    i = 0;
    while i < isa.intrinsics.len() && found.is_none() {
        let before = if i == 0 { None } else { Some(&isa.intrinsics[i - 1]) };
        found = intrinsic(&isa.intrinsics[i], before, isa.types, isa.classes);
        i += 1;
    }
    found
}

/// Checks the row of an opcode on page `didx >> 8`.
#[must_use]
pub const fn op(row: &OpRow, didx: usize) -> Option<&'static str> {
    if row.reserved[0] != 0 || row.reserved[1] != 0 {
        return Some("reserved bytes are not zero");
    }
    if !row.present() {
        return absent(row);
    }
    let codes = Term::from_code(row.term).is_some()
        && Family::from_code(row.family).is_some()
        && Lower::from_code(row.lower).is_some()
        && Form::from_code(row.form).is_some()
        && Hook::from_code(row.hook).is_some()
        && Typestate::from_code(row.typestate).is_some()
        && JitClass::from_code(row.jit).is_some()
        && Clif::from_code(row.clif).is_some();
    if !codes || row.flags.get() & !KNOWN_FLAGS != 0 || row.fuse & !fuse_flags::ALL != 0 {
        return Some("a code or flag that does not exist");
    }
    if row.n_operands as usize > MAX_OPERANDS {
        return Some("more operands than a row can hold");
    }
    if !known_traps(row.traps.get()) {
        return Some("a trap that does not exist");
    }
    if row.has(op_flags::TERMINATOR) != (row.term != 0) {
        return Some("the terminator flag disagrees with `term`");
    }
    if row.has(op_flags::MAY_TRAP) != (row.traps.get() != 0) {
        return Some("the may-trap flag disagrees with `traps`");
    }
    if row.fuel.get() == 0 || row.id.get() == 0 {
        return Some("fuel and id must not be 0");
    }
    if row.fuel_shift > 16 || (row.fuel_shift == 0) != (row.fuel_operands == 0) {
        return Some("fuel shift and fuel operands disagree");
    }
    if row.form != 0 && row.lower != Lower::Direct as u8 {
        return Some("an operand form without direct lowering");
    }
    if let Some(problem) = operands(row, didx) {
        return Some(problem);
    }
    if let Some(problem) = rules(row) {
        return Some(problem);
    }
    if let Some(problem) = session(row) {
        return Some(problem);
    }
    owner(row, didx)
}

/// Checks that what the session machine does says how it changes the states of linear registers, and ends its fuel
/// segment; and that only it has such a rule or ends a coroutine.
const fn session(row: &OpRow) -> Option<&'static str> {
    let session = row.lower == Lower::Session as u8;
    if let Some(lower) = row.typestate().lowering()
        && lower.code() != row.lower
    {
        return Some("a typestate rule of another lowering");
    }
    if session != row.typestate().is_session() {
        return Some("a session instruction without a typestate rule");
    }
    if !session {
        return if matches!(row.term(), Term::Halt) {
            Some("an instruction of no session that halts")
        } else {
            None
        };
    }
    if !row.has(op_flags::CALL_LIKE) {
        return Some("a session instruction that does not end its fuel segment");
    }
    if row.term().code() != row.typestate().session_term().code() {
        return Some("a session instruction whose terminator is not that of its typestate rule");
    }
    let wanted = row.typestate().session_operands();
    let mut same = wanted.len() == row.n_operands as usize;
    let mut i = 0;
    while same && i < wanted.len() {
        let (o, (kind, access, ty, arg)) = (&row.operands[i], wanted[i]);
        same = o.kind == kind.code() && o.access == access.code() && o.ty == ty.code() && o.arg == arg;
        i += 1;
    }
    if same { None } else { Some("a session instruction whose operands are not those of its typestate rule") }
}

/// Checks that an opcode of an embedder's page is what engines run there, a function of plain values, and that ids
/// belong to whom the page does.
const fn owner(row: &OpRow, didx: usize) -> Option<&'static str> {
    let foreign = is_foreign(didx as u16);
    if foreign != (row.id.get() >= FIRST_FOREIGN_ID) {
        return Some("an embedder's id on a page of the VM, or the reverse");
    }
    if !foreign {
        return None;
    }
    let plain = row.lower == Lower::Direct as u8
        && matches!(row.form(), Form::Unary | Form::Binary | Form::Ternary | Form::UnaryImm)
        && row.jit == JitClass::Call as u8
        && row.flags.get() & !(op_flags::PRESENT | op_flags::PURE | op_flags::MAY_TRAP) == 0
        && row.clif | row.fuse | row.hook | row.typestate | row.fuel_shift | row.rules[0].rule == 0;
    if !plain {
        return Some("an embedder's opcode that is more than a function of registers");
    }
    let mut registers = 0;
    let mut i = 0;
    while i < row.n_operands as usize {
        let o = &row.operands[i];
        i += 1;
        if o.kind as usize != OperandKind::Reg as usize {
            if !o.kind().is_immediate() {
                return Some("an embedder's opcode with an operand that is no register and no immediate");
            }
            continue;
        }
        registers += 1;
        if (i == 1) != matches!(o.access(), Access::Write) {
            return Some("an embedder's opcode that writes other than its first operand");
        }
        if !matches!(o.ty(), TypeRule::Bool | TypeRule::I64 | TypeRule::U64 | TypeRule::F64) {
            return Some("an embedder's opcode with a register of a type other than bool, i64, u64 and f64");
        }
    }
    let wanted = match row.form() {
        Form::Unary | Form::UnaryImm => 2,
        Form::Binary => 3,
        _ => 4,
    };
    let immediate = matches!(row.form(), Form::UnaryImm);
    if registers != wanted || (row.n_operands > registers) != immediate || row.n_operands > registers + 2 {
        return Some("an embedder's opcode whose operands are not those of its form");
    }
    None
}

/// Whether every bit stands for a trap.
const fn known_traps(traps: u64) -> bool {
    let mut code = 0;
    while code < 64 {
        if traps >> code & 1 == 1 && (code == 0 || TrapCode::from_code(code).is_none()) {
            return false;
        }
        code += 1;
    }
    true
}

const fn absent(row: &OpRow) -> Option<&'static str> {
    let bytes = row.flags.get() as u64
        | row.id.get() as u64
        | row.traps.get()
        | row.fuel.get() as u64
        | row.fuel_shift as u64
        | row.fuel_operands as u64
        | row.term as u64
        | row.family as u64
        | row.lower as u64
        | row.form as u64
        | row.fuse as u64
        | row.hook as u64
        | row.jit as u64
        | row.clif as u64
        | row.n_operands as u64
        | row.reads as u64
        | row.writes as u64
        | row.since as u64
        | row.min_len as u64
        | row.typestate as u64;
    let mut clear = bytes == 0;
    let mut i = 0;
    while i < MAX_OPERANDS {
        clear &= blank_operand(&row.operands[i]);
        i += 1;
    }
    i = 0;
    while i < MAX_RULES {
        clear &= blank_rule(&row.rules[i]);
        i += 1;
    }
    if clear { None } else { Some("a slot without an opcode is not zero") }
}

const fn blank_operand(o: &OperandRow) -> bool {
    o.kind | o.enc | o.access | o.ty | o.arg == 0
}

const fn blank_rule(r: &RuleRow) -> bool {
    r.rule | r.a | r.b == 0
}

const fn operands(row: &OpRow, didx: usize) -> Option<&'static str> {
    let n = row.n_operands as usize;
    let (mut reads, mut writes, mut targets) = (0u8, 0u8, 0usize);
    let (mut read_lists, mut write_lists) = (0, 0);
    let mut min_len: u8 = if didx < 256 { 1 } else { 3 };
    let mut i = 0;
    while i < MAX_OPERANDS {
        let o = &row.operands[i];
        if i >= n {
            if !blank_operand(o) {
                return Some("an operand past the operand count is not zero");
            }
            i += 1;
            continue;
        }
        if let Some(problem) = operand(row, o) {
            return Some(problem);
        }
        let list = o.kind as usize == OperandKind::RegList as usize;
        match o.access() {
            Access::Read => {
                reads |= 1 << i;
                read_lists += list as usize;
            }
            Access::Write => {
                writes |= 1 << i;
                write_lists += list as usize;
            }
            Access::None => {}
        }
        targets += o.kind().is_target() as usize;
        min_len += o.enc().min_len();
        i += 1;
    }
    if reads != row.reads || writes != row.writes {
        return Some("the read and write masks disagree with the operands");
    }
    if min_len != row.min_len {
        return Some("the shortest length disagrees with the operands");
    }
    if read_lists > 1 || write_lists > 1 {
        return Some("more than one list read or written");
    }
    if (targets > 0) != matches!(row.term(), Term::Branch) {
        return Some("branch targets and terminator disagree");
    }
    if row.fuel_operands as u16 >> n != 0 {
        return Some("fuel counts the bytes of an operand that does not exist");
    }
    None
}

const fn operand(row: &OpRow, o: &OperandRow) -> Option<&'static str> {
    let known = OperandKind::from_code(o.kind).is_some()
        && Encoding::from_code(o.enc).is_some()
        && Access::from_code(o.access).is_some()
        && TypeRule::from_code(o.ty).is_some();
    if !known || o.kind == 0 {
        return Some("an operand has a code that does not exist");
    }
    if o.kind().encoding() as u8 != o.enc {
        return Some("an operand's encoding does not fit its kind");
    }
    if o.kind().is_register() != (o.access != 0) || o.kind().is_register() != (o.ty != 0) {
        return Some("register operands, and only they, have an access and a type");
    }
    if !o.ty().takes_operand() {
        return if o.arg == 0 {
            None
        } else {
            Some("an operand's type refers to nothing but has an argument")
        };
    }
    if o.arg >= row.n_operands {
        return Some("an operand's type refers to an operand that does not exist");
    }
    if !o.ty().may_refer_to(row.operands[o.arg as usize].kind()) {
        return Some("an operand's type refers to an operand of the wrong kind");
    }
    None
}

const fn rules(row: &OpRow) -> Option<&'static str> {
    let mut i = 0;
    let mut ended = false;
    let mut own_results = false;
    while i < MAX_RULES {
        let r = &row.rules[i];
        i += 1;
        if r.rule == 0 {
            if !blank_rule(r) {
                return Some("an empty rule is not zero");
            }
            ended = true;
            continue;
        }
        let Some(rule) = Rule::from_code(r.rule) else {
            return Some("a rule has a code that does not exist");
        };
        if ended || r.a >= row.n_operands {
            return Some("a rule is about an operand that does not exist");
        }
        if rule.takes_second_operand() && r.b >= row.n_operands {
            return Some("a rule refers to a second operand that does not exist");
        }
        if matches!(rule, Rule::ResultsAreOwn) {
            own_results = true;
        }
    }
    if own_results != matches!(row.term(), Term::TailCall) {
        return Some("a tail call, and only it, has rule `results_are_own`");
    }
    None
}

/// Checks the mnemonic of a slot that is `present` or not.
#[must_use]
pub const fn name(row: &NameRow, present: bool) -> Option<&'static str> {
    if (row.len > 0) != present {
        return Some("a mnemonic without an opcode, or an opcode without a mnemonic");
    }
    text_bytes(row)
}

const fn text_bytes(row: &NameRow) -> Option<&'static str> {
    if row.len as usize > MAX_NAME {
        return Some("a name runs past its row");
    }
    let mut i = 0;
    while i < MAX_NAME {
        let used = i < row.len as usize;
        let good = matches!(row.text[i], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_');
        if used != good || (!used && row.text[i] != 0) {
            return Some("a name holds something other than a-z, 0-9, dot and underscore");
        }
        i += 1;
    }
    None
}

/// Checks the text template of the opcode in `row`.
#[must_use]
pub const fn text(text: &TextRow, row: &OpRow) -> Option<&'static str> {
    if text.len as usize > MAX_NAME || (!row.present() && text.len != 0) {
        return Some("a template runs past its row, or belongs to no opcode");
    }
    let mut seen = 0u8;
    let mut i = 0;
    while i < MAX_NAME {
        let b = text.code[i];
        if i >= text.len as usize {
            if b != 0 {
                return Some("padding behind a template is not zero");
            }
        } else if b >= 0x80 {
            if b & 0x7f >= row.n_operands || seen >> (b & 7) & 1 == 1 {
                return Some("a template prints an operand twice or one that does not exist");
            }
            seen |= 1 << (b & 7);
        } else if b < b' ' || b == 0x7f {
            return Some("a template holds a control character");
        }
        i += 1;
    }
    i = 0;
    while i < row.n_operands as usize && i < MAX_OPERANDS {
        let effect = row.operands[i].ty as usize == TypeRule::Effect as usize;
        if effect == (seen >> i & 1 == 1) {
            return Some("a template leaves out an operand, or prints an effect token");
        }
        i += 1;
    }
    None
}

/// Checks one row of the assembler look-up; `before` is the row in front of it.
#[must_use]
pub const fn lookup(row: &LookupRow, before: Option<&LookupRow>, ops: &[OpRow]) -> Option<&'static str> {
    if row.reserved != 0 || row.alias > 1 || row.name.len == 0 {
        return Some("reserved bytes are not zero, or a name is empty");
    }
    if let Some(problem) = text_bytes(&row.name) {
        return Some(problem);
    }
    let at = row_of(row.didx.get());
    if at >= ops.len() || !ops[at].present() {
        return Some("a name stands for an opcode that does not exist");
    }
    if let Some(before) = before
        && !less(&before.name, &row.name)
    {
        return Some("names are not sorted, or one is there twice");
    }
    None
}

const fn less(a: &NameRow, b: &NameRow) -> bool {
    let mut i = 0;
    while i < MAX_NAME {
        if a.text[i] != b.text[i] {
            return a.text[i] < b.text[i];
        }
        i += 1;
    }
    false
}

/// Checks the class at position `tag`.
#[must_use]
pub const fn class(row: &ClassRow, tag: usize) -> Option<&'static str> {
    if row.tag as usize != tag {
        return Some("classes are not in tag order");
    }
    if row.slots > 2 || row.flags & !class_flags::ALL != 0 || TypeRule::from_code(row.rule).is_none() {
        return Some("more than 2 slots, or a code that does not exist");
    }
    if padded_name(&row.name) { None } else { Some("a name is empty or holds strange characters") }
}

/// Checks a logical type, given the number of classes.
#[must_use]
pub const fn logical_type(row: &TypeRow, classes: usize) -> Option<&'static str> {
    if row.slots == 0 || row.slots > 4 {
        return Some("a type has between 1 and 4 slots");
    }
    let mut i = 0;
    while i < 4 {
        let tag = row.classes[i];
        if tag as usize >= classes || (i >= row.slots as usize && tag != 0) {
            return Some("a slot has a class that does not exist");
        }
        i += 1;
    }
    if padded_name(&row.name) { None } else { Some("a name is empty or holds strange characters") }
}

const fn padded_name(name: &[u8]) -> bool {
    let mut i = 0;
    let mut ended = false;
    while i < name.len() {
        let good = matches!(name[i], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        if name[i] != 0 && (ended || !good) {
            return false;
        }
        ended |= name[i] == 0;
        i += 1;
    }
    !name.is_empty() && name[0] != 0
}
