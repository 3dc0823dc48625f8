//! Reads one opcode object.

use super::json::{Node, Value};
use super::object::{Obj, code, string, uint};
use super::{byte, examples};
use crate::diag::{Diags, nearest};
use crate::model::{Effect, Fuel, Op, Operand, Owner, RuleUse};
use crate::source::{At, Span};
use opforge_schema::{
    Access, Clif, Encoding, Family, Form, Hook, JitClass, Lower, OperandKind, Rule, Term, TrapCode, TypeRule,
    Typestate, fuse_flags,
};

const FIELDS: &[&str] = &[
    "byte",
    "id",
    "name",
    "mnemonic",
    "aliases",
    "since",
    "family",
    "doc",
    "operands",
    "text",
    "term",
    "effects",
    "traps",
    "fuel",
    "rules",
    "hook",
    "typestate",
    "lower",
    "sem",
    "jit",
    "wasm",
    "examples",
];

/// The first container minor version that may hold an embedder's opcode: that of all opcodes of this VM.
pub(super) const FIRST_SINCE: u8 = 128;

/// Every value of a code enum but the neutral one, with its spec name.
macro_rules! named {
    ($t:ty, $skip:expr) => {
        <$t>::ALL.iter().skip($skip).map(|&c| (c, c.name())).collect::<Vec<_>>()
    };
}

/// Reads an opcode. An opcode with something wrong in it is returned as damaged, so that its byte and names
/// still take part in the search for duplicates; without those there is none.
pub(super) fn read(d: &mut Diags, node: &Node, owner: Owner, page: u8) -> Option<Op> {
    let before = d.count();
    let obj = Obj::open(d, node, "an opcode", FIELDS)?;
    let (byte, id) = (byte(d, &obj, "byte"), obj.uint(d, "id", 1, 65535));
    let (name, mnemonic) = (obj.string(d, "name"), obj.string(d, "mnemonic"));
    let doc = obj.string(d, "doc");
    // What an overlay leaves out is what all its opcodes are; what it states is read as for the VM's.
    let vm = owner == Owner::Vm;
    let since = if vm || obj.get("since").is_some() { obj.uint(d, "since", 1, 255) } else { None };
    let aliases = obj.opt_list(d, "aliases");
    let aliases = strings(d, aliases, "an alias");
    let family = if vm || obj.get("family").is_some() { obj.string(d, "family") } else { None };
    let family = family.and_then(|f| code(d, "E042", &f, "family", &named!(Family, 1)));
    let operands = operands(d, &obj);
    let text = obj.get("text").and_then(|n| string(d, n, "text"));
    let term = if vm || obj.get("term").is_some() { obj.string(d, "term") } else { None };
    let term = term.and_then(|t| Some(At::new(code(d, "E034", &t, "terminator", &named!(Term, 0))?, t.at)));
    let traps = obj.list(d, "traps");
    let effects = if vm || obj.get("effects").is_some() {
        let effects = obj.list(d, "effects");
        codes(d, effects, "E033", "effect", Effect::ALL)
    } else {
        vec![At::new(Effect::Pure, obj.at())]
    };
    let traps = codes(d, traps, "E032", "trap", &named!(TrapCode, 1));
    let fuel = obj.need(d, "fuel").and_then(|n| fuel(d, n, &operands));
    let rules = obj.opt_list(d, "rules").iter().filter_map(|n| rule(d, n, &operands)).collect();
    let hook = obj.get("hook").and_then(|n| string(d, n, "hook"));
    let hook = hook.and_then(|h| code(d, "E039", &h, "hook", &named!(Hook, 1)));
    let typestate = obj.get("typestate").and_then(|n| string(d, n, "typestate"));
    let typestate = typestate
        .and_then(|t| Some(At::new(code(d, "E043", &t, "typestate rule", &named!(Typestate, 1))?, t.at)));
    let lower_node = if vm { obj.need(d, "lower") } else { obj.get("lower") };
    let lower = lower_node.and_then(|n| lower(d, n));
    let sem = obj.get("sem").and_then(|n| sem(d, n));
    let jit_node = if vm { obj.need(d, "jit") } else { obj.get("jit") };
    let jit = jit_node.and_then(|n| jit(d, n));
    let wasm = obj.get("wasm").and_then(|n| wasm(d, n));
    let examples = if vm { obj.list(d, "examples") } else { obj.opt_list(d, "examples") };
    let examples = examples.iter().filter_map(|n| examples::read(d, n)).collect();

    let (byte, name, mnemonic, at) = (byte?, name?, mnemonic?, obj.at());
    let (plain_lower, plain_jit) =
        if vm { (Lower::Nop, JitClass::Arm) } else { (Lower::Direct, JitClass::Call) };
    let (lower, fuse) = lower.unwrap_or((At::new(plain_lower, at), 0));
    let (jit, clif) = jit.unwrap_or((At::new(plain_jit, at), Clif::None));
    Some(Op {
        at,
        owner,
        page,
        id: id.map_or(At::new(0, at), |id| At::new(id.v as u16, id.at)),
        doc: doc.unwrap_or(At::new(String::new(), at)),
        since: since.map_or(if vm { 0 } else { FIRST_SINCE }, |s| s.v as u8),
        family: family.unwrap_or(Family::None),
        term: term.unwrap_or(At::new(Term::None, at)),
        fuel: fuel.unwrap_or(Fuel { base: 1, shift: 0, of: Vec::new() }),
        hook: hook.unwrap_or(Hook::None),
        typestate: typestate.unwrap_or(At::new(Typestate::None, at)),
        damaged: d.count() > before,
        form: Form::None,
        byte,
        name,
        mnemonic,
        aliases,
        operands,
        text,
        effects,
        traps,
        rules,
        lower,
        fuse,
        sem,
        jit,
        clif,
        wasm,
        examples,
    })
}

fn strings(d: &mut Diags, nodes: &[Node], what: &str) -> Vec<At<String>> {
    nodes.iter().filter_map(|n| string(d, n, what)).collect()
}

pub(super) fn codes<T: Copy + PartialEq>(
    d: &mut Diags,
    nodes: &[Node],
    finding: &'static str,
    what: &str,
    all: &[(T, &'static str)],
) -> Vec<At<T>> {
    let mut out: Vec<At<T>> = Vec::new();
    for node in nodes {
        let Some(name) = string(d, node, what) else { continue };
        let Some(v) = code(d, finding, &name, what, all) else { continue };
        if let Some(first) = out.iter().find(|o| o.v == v) {
            let message = format!("{what} \"{}\" stands twice", name.v);
            d.error_note(finding, name.at, message, Some(first.at), "first here");
        } else {
            out.push(At::new(v, name.at));
        }
    }
    out
}

fn operands(d: &mut Diags, obj: &Obj<'_>) -> Vec<Operand> {
    let nodes = obj.list(d, "operands");
    let mut types: Vec<Option<At<String>>> = Vec::new();
    let mut out: Vec<Operand> = Vec::new();
    for node in nodes {
        if let Some((operand, ty)) = operand(d, node) {
            out.push(operand);
            types.push(ty);
        }
    }
    for at in 0..out.len() {
        let Some(text) = types.get(at).cloned().flatten() else { continue };
        if let Some((ty, arg)) = type_rule(d, &text, &out)
            && let Some(operand) = out.get_mut(at)
        {
            (operand.ty, operand.arg) = (ty, arg);
        }
    }
    out
}

fn operand(d: &mut Diags, node: &Node) -> Option<(Operand, Option<At<String>>)> {
    let obj = Obj::open(d, node, "an operand", &["name", "kind", "enc", "access", "type"])?;
    let (name, kind, enc) = (obj.string(d, "name"), obj.string(d, "kind"), obj.string(d, "enc"));
    let kind = kind.and_then(|k| code(d, "E020", &k, "operand kind", &named!(OperandKind, 1)));
    let enc_at = enc.as_ref().map(|e| e.at);
    let enc = enc.and_then(|e| code(d, "E021", &e, "encoding", &named!(Encoding, 1)));
    let access_text = obj.get("access").and_then(|n| string(d, n, "access"));
    let access = access_text.as_ref().and_then(|a| code(d, "E022", a, "access", &named!(Access, 1)));
    let ty = obj.get("type").and_then(|n| string(d, n, "type"));
    let name = name?;
    let ty_at = ty.as_ref().map_or(obj.at(), |t| t.at);
    let broken = Operand {
        name: name.clone(),
        kind: OperandKind::None,
        enc: Encoding::None,
        access: Access::None,
        ty: TypeRule::None,
        arg: None,
        ty_at,
    };
    // The rest of the opcode may still refer to an operand whose kind is misspelt.
    let (Some(kind), Some(enc)) = (kind, enc) else { return Some((broken, None)) };
    if enc != kind.encoding() {
        let message =
            format!("kind {} is encoded as {}, not {}", kind.name(), kind.encoding().name(), enc.name());
        d.error("E021", enc_at.unwrap_or(obj.at()), message);
    }
    if kind.is_register() {
        if obj.get("access").is_none() {
            let message = format!("register operand \"{}\" needs an access: read or write", name.v);
            d.error("E022", obj.at(), message);
        }
        if obj.get("type").is_none() {
            d.error("E023", obj.at(), format!("register operand \"{}\" needs a type", name.v));
        }
    } else if let Some(extra) = access_text.as_ref().or(ty.as_ref()) {
        let message = format!("operand \"{}\" names no register: access and type mean nothing", name.v);
        d.error("E022", extra.at, message);
    }
    Some((Operand { kind, enc, access: access.unwrap_or(Access::None), ..broken }, ty))
}

fn type_rule(d: &mut Diags, text: &At<String>, operands: &[Operand]) -> Option<(TypeRule, Option<u8>)> {
    let (name, arg) = match text.v.split_once(':') {
        Some((name, arg)) => (name.to_owned(), Some(arg)),
        None => (text.v.clone(), None),
    };
    let rule = code(d, "E023", &At::new(name, text.at), "type", &named!(TypeRule, 1))?;
    match (rule.takes_operand(), arg) {
        (false, None) => Some((rule, None)),
        (false, Some(_)) => {
            d.error("E023", text.at, format!("type {} refers to no operand", rule.name()));
            None
        }
        (true, None) => {
            d.error("E023", text.at, format!("type {0} needs an operand: {0}:<operand>", rule.name()));
            None
        }
        (true, Some(arg)) => position(d, arg, text.at, operands).map(|at| (rule, Some(at))),
    }
}

/// The position of an operand that something refers to by name.
fn position(d: &mut Diags, name: &str, at: Span, operands: &[Operand]) -> Option<u8> {
    let found = operands.iter().position(|o| o.name.v == name);
    if found.is_none() {
        let names: Vec<&str> = operands.iter().map(|o| o.name.v.as_str()).collect();
        let note = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("its operands: {}", names.join(", ")),
        };
        d.error_note("E024", at, format!("there is no operand \"{name}\""), None, note);
    }
    found.map(|at| at as u8)
}

fn fuel(d: &mut Diags, node: &Node, operands: &[Operand]) -> Option<Fuel> {
    if !matches!(node.value, Value::Object(_)) {
        let base = uint(d, node, "fuel", 0, 65535)?;
        zero_fuel(d, &base);
        return Some(Fuel { base: base.v as u16, shift: 0, of: Vec::new() });
    }
    let obj = Obj::open(d, node, "fuel", &["base", "shift", "of"])?;
    let (base, shift) = (obj.uint(d, "base", 0, 65535), obj.uint(d, "shift", 1, 16));
    let names = obj.list(d, "of");
    let names = strings(d, names, "an operand name");
    if names.is_empty() {
        d.error("E035", obj.at(), "fuel by size must say which operands are counted");
    }
    let of: Vec<u8> = names.iter().filter_map(|n| position(d, &n.v, n.at, operands)).collect();
    let base = base?;
    zero_fuel(d, &base);
    Some(Fuel { base: base.v as u16, shift: shift?.v as u8, of })
}

pub(super) fn zero_fuel(d: &mut Diags, base: &At<u64>) {
    if base.v == 0 {
        d.error(
            "E035",
            base.at,
            "fuel 0 would make an endless loop free: every instruction costs at least 1",
        );
    }
}

fn rule(d: &mut Diags, node: &Node, operands: &[Operand]) -> Option<RuleUse> {
    let obj = Obj::open(d, node, "a rule", &["rule", "a", "b"])?;
    let name = obj.string(d, "rule")?;
    let rule = code(d, "E030", &name, "rule", &named!(Rule, 1))?;
    let a = obj.string(d, "a")?;
    let a = position(d, &a.v, a.at, operands);
    let b = if rule.takes_bound() {
        obj.uint(d, "b", 1, 255).map(|b| b.v as u8)
    } else if rule.takes_second_operand() {
        obj.string(d, "b").and_then(|b| position(d, &b.v, b.at, operands))
    } else {
        if let Some(b) = obj.get("b") {
            d.error("E030", b.at, format!("rule {} takes no \"b\"", rule.name()));
        }
        Some(0)
    };
    Some(RuleUse { rule: At::new(rule, name.at), a: a?, b: b? })
}

/// The spec's names of the fuse flags.
const FUSE_FLAGS: [(&str, u8); 7] = [
    ("imm", fuse_flags::IMM),
    ("branch", fuse_flags::BRANCH),
    ("pow2_shift", fuse_flags::POW2_SHIFT),
    ("pow2_mask", fuse_flags::POW2_MASK),
    ("lead", fuse_flags::LEAD),
    ("follow", fuse_flags::FOLLOW),
    ("commutes", fuse_flags::COMMUTES),
];

fn lower(d: &mut Diags, node: &Node) -> Option<(At<Lower>, u8)> {
    let known = ["kind", "imm", "branch", "pow2_shift", "pow2_mask", "lead", "follow", "commutes"];
    let obj = Obj::open(d, node, "lower", &known)?;
    let name = obj.string(d, "kind")?;
    let kind = code(d, "E036", &name, "lowering", &named!(Lower, 0))?;
    let mut fuse = 0;
    for (name, flag) in FUSE_FLAGS {
        fuse |= if obj.flag(d, name) { flag } else { 0 };
    }
    Some((At::new(kind, name.at), fuse))
}

fn jit(d: &mut Diags, node: &Node) -> Option<(At<JitClass>, Clif)> {
    let obj = Obj::open(d, node, "jit", &["class", "clif"])?;
    let name = obj.string(d, "class")?;
    let class = code(d, "E037", &name, "JIT class", &named!(JitClass, 0));
    let clif = match obj.get("clif") {
        Some(n) => {
            let text = string(d, n, "clif")?;
            code(d, "E037", &text, "CLIF opcode", &named!(Clif, 1))?
        }
        None => Clif::None,
    };
    let class = class?;
    let bare = matches!(class, JitClass::Arm | JitClass::Call);
    if bare != (clif == Clif::None) {
        let wants = if bare { "takes no" } else { "needs a" };
        d.error("E037", name.at, format!("JIT class {} {wants} \"clif\"", class.name()));
    }
    Some((At::new(class, name.at), clif))
}

pub(super) fn sem(d: &mut Diags, node: &Node) -> Option<At<(String, String)>> {
    let text = string(d, node, "sem")?;
    let parts = text.v.split_once("::");
    let (module, function) = parts.filter(|(m, f)| snake(m) && snake(f)).or_else(|| {
        let message = format!("\"{}\" is not a semantic function: write module::function", text.v);
        d.error("E038", text.at, message);
        None
    })?;
    Some(At::new((module.to_owned(), function.to_owned()), text.at))
}

fn snake(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !crate::lint::is_keyword(word)
}

fn wasm(d: &mut Diags, node: &Node) -> Option<(String, Option<String>)> {
    if matches!(node.value, Value::Object(_)) {
        let obj = Obj::open(d, node, "wasm", &["name", "deviates"])?;
        let (name, deviates) = (obj.string(d, "name"), obj.string(d, "deviates"));
        return Some((name?.v, Some(deviates?.v)));
    }
    string(d, node, "wasm").map(|s| (s.v, None))
}
