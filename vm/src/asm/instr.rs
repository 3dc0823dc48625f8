//! Instructions: operands in the order and with the punctuation of the opcode's text template.

use super::body::{Body, reg_number};
use super::env::{resolve, suggest};
use super::error::AsmErrorKind;
use super::lexer::Tok;
use super::parser::{Parse, build_error, clip};
use crate::builder::{Label, RawOperand, RawTarget};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use opforge_schema::{MAX_OPERANDS, OperandKind, Rounding};

/// An operand as parsed; lists are ranges of the body's scratch.
#[derive(Clone, Copy, Debug)]
enum Value {
    Scalar(u64),
    List(usize, usize),
    /// A range of the scratch of targets.
    Targets(usize, usize),
    Label(Label),
    /// A register, or none.
    Opt(Option<u32>),
}

/// The bit of template bytes that stand for operands.
const OPERAND: u8 = 0x80;

impl<'s> Body<'s, '_, '_> {
    /// One instruction, mnemonic first.
    pub(super) fn instruction(&mut self) -> Parse<()> {
        let at = self.parser.bump();
        let word = self.parser.text(at);
        let isa = self.env.builder.isa;
        let found = isa.find(word).and_then(|didx| Some((didx, isa.op(didx)?)));
        let Some((didx, row)) = found else {
            let message = format!("there is no instruction `{}`", clip(word));
            let diag = self.parser.error_at(at, AsmErrorKind::UnknownInstruction, message);
            return Err(suggest(diag, word, isa.lookup.iter().map(|row| row.name.as_str())));
        };
        self.lists.clear();
        self.targets.clear();
        // Operands that the template leaves out are effect tokens: register 0.
        let mut values = [Value::Scalar(0); MAX_OPERANDS];
        let mut template = isa.template(didx);
        while let [first, rest @ ..] = template {
            template = rest;
            match *first {
                b' ' => {}
                byte if byte >= OPERAND => {
                    let index = usize::from(byte & !OPERAND);
                    let kind = row.operands().get(index).map_or(OperandKind::None, |op| op.kind());
                    let value = self.operand(kind)?;
                    if let Some(slot) = values.get_mut(index) {
                        *slot = value;
                    }
                }
                byte => template = self.punctuation(byte, rest)?,
            }
        }
        let mut raw = [RawOperand::Scalar(0); MAX_OPERANDS];
        for (raw, value) in raw.iter_mut().zip(values) {
            *raw = match value {
                Value::Scalar(v) => RawOperand::Scalar(v),
                Value::List(start, end) => RawOperand::List(self.lists.get(start..end).unwrap_or(&[])),
                Value::Targets(start, end) => {
                    RawOperand::Targets(self.targets.get(start..end).unwrap_or(&[]))
                }
                Value::Label(label) => RawOperand::Label(label),
                Value::Opt(reg) => RawOperand::Opt(reg),
            };
        }
        let raw = raw.get(..row.operands().len()).unwrap_or(&[]);
        self.code.emit_raw(didx, row, raw).map_err(build_error(&self.parser, at))
    }

    /// Matches fixed characters of a template: a token that starts with `first`. Returns what is left of it.
    fn punctuation<'t>(&mut self, first: u8, rest: &'t [u8]) -> Parse<&'t [u8]> {
        let token = self.parser.here().as_bytes();
        let matches = match token.split_first() {
            Some((&byte, tail)) if byte == first && !self.parser.at_line_end() => rest.strip_prefix(tail),
            _ => None,
        };
        if let Some(left) = matches {
            self.parser.bump();
            return Ok(left);
        }
        // The whole run of fixed characters makes a better message than its first.
        let len = rest.iter().position(|&b| b == b' ' || b >= OPERAND).unwrap_or(rest.len());
        let mut wanted = String::from(char::from(first));
        wanted.extend(rest.iter().take(len).map(|&b| char::from(b)));
        Err(self.parser.expected(&format!("`{wanted}`")))
    }

    fn operand(&mut self, kind: OperandKind) -> Parse<Value> {
        let max = |bits: u32| u64::MAX >> (64 - bits);
        Ok(Value::Scalar(match kind {
            OperandKind::Reg => u64::from(self.reg()?),
            OperandKind::RegList => return self.reg_list(),
            OperandKind::RegOpt if self.parser.eat_punct(b'-') => return Ok(Value::Opt(None)),
            OperandKind::RegOpt => return Ok(Value::Opt(Some(self.reg()?))),
            OperandKind::Pc => {
                return Ok(match self.target()? {
                    RawTarget::Pc(pc) => Value::Scalar(pc.into()),
                    RawTarget::Label(label) => Value::Label(label),
                });
            }
            OperandKind::PcList => return self.target_list(),
            OperandKind::ImmBool => u64::from(self.truth()?),
            OperandKind::ImmU8 => self.parser.unsigned(max(8), "an 8-bit number")?,
            OperandKind::ImmU32 => self.index_immediate()?,
            OperandKind::ImmI64 => self.parser.signed("a signed 64-bit number")? as u64,
            OperandKind::ImmU64 => self.parser.unsigned(max(64), "an unsigned 64-bit number")?,
            OperandKind::ImmF64 => self.parser.float("a float")?,
            OperandKind::Rounding => self.rounding()?,
            OperandKind::ConstId => u64::from(self.constant()?),
            OperandKind::FuncId => u64::from(self.env.func_ref(&mut self.parser)?.0),
            OperandKind::HostSigId => u64::from(self.host()?),
            OperandKind::CallSigId => u64::from(self.call_sig()?),
            OperandKind::TypeId => u64::from(self.env.struct_ref(&mut self.parser)?.0),
            OperandKind::IntrinsicId => u64::from(self.intrinsic()?),
            OperandKind::MemId => u64::from(self.memory()?),
            OperandKind::LabelId => u64::from(self.message_label()?),
            OperandKind::LabelList => return self.label_list(),
            OperandKind::ShapeId => u64::from(self.env.session_shape(&mut self.parser)?.0),
            OperandKind::EffectId => u64::from(self.effect()?),
            OperandKind::LayerId => u64::from(self.env.guard_layer(&mut self.parser)?.0),
            OperandKind::ElemTypeId => u64::from(self.env.elem_ref(&mut self.parser)?.0),
            // Checked tables have no template that names an operand which is not there.
            OperandKind::None => return Err(self.parser.expected("an operand that the tables describe")),
        }))
    }

    /// A register: `r5` or a name.
    pub(super) fn reg(&mut self) -> Parse<u32> {
        let at = self.parser.token();
        if at.tok != Tok::Word {
            return Err(self.parser.expected("a register"));
        }
        let word = self.parser.here();
        if let Some(number) = reg_number(word) {
            self.parser.bump();
            return number.ok_or_else(|| {
                let message = format!("`{}` is no register", clip(word));
                self.parser.error_at(at, AsmErrorKind::OutOfRange, message)
            });
        }
        let Some(&reg) = self.regs.get(word) else {
            let message = format!("there is no register `{}`", clip(word));
            let diag = self.parser.error_at(at, AsmErrorKind::UndefinedName, message);
            let diag = diag.hint("registers are r0, r1, .. or named by parameters and `.reg`");
            return Err(suggest(diag, word, self.regs.keys().copied()));
        };
        self.parser.bump();
        Ok(reg)
    }

    /// A register list, or a single register as a list of one.
    fn reg_list(&mut self) -> Parse<Value> {
        let start = self.lists.len();
        if self.parser.is(Tok::Word) {
            let reg = self.reg()?;
            self.lists.push(reg);
            return Ok(Value::List(start, self.lists.len()));
        }
        self.list("a register list", (b'(', b')'), |body| {
            let reg = body.reg()?;
            body.lists.push(reg);
            Ok(())
        })?;
        Ok(Value::List(start, self.lists.len()))
    }

    /// A list between two characters, which may stand on several lines.
    fn list(
        &mut self,
        what: &str,
        (open, close): (u8, u8),
        mut entry: impl FnMut(&mut Self) -> Parse<()>,
    ) -> Parse<()> {
        let (left, right) = (char::from(open), char::from(close));
        if !self.parser.is_punct(open) {
            return Err(self.parser.expected(what).hint(format!("an empty list is written `{left}{right}`")));
        }
        self.parser.bump();
        self.parser.skip_newlines();
        while !self.parser.eat_punct(close) {
            entry(self)?;
            self.parser.skip_newlines();
            if self.parser.eat_punct(b',') {
                self.parser.skip_newlines();
            } else if !self.parser.is_punct(close) {
                return Err(self.parser.expected(&format!("`,` or `{right}`")));
            }
        }
        Ok(())
    }

    /// A branch target: `@label`, or `@=12` for a byte offset as it is.
    fn target(&mut self) -> Parse<RawTarget> {
        if !self.parser.eat_punct(b'@') {
            return Err(self.parser.expected("a label").hint("branch targets are written `@name`"));
        }
        if self.parser.eat_punct(b'=') {
            return Ok(RawTarget::Pc(self.parser.u32("a byte offset")?));
        }
        self.label().map(RawTarget::Label)
    }

    /// A list of branch targets: `(@a, @b)`.
    fn target_list(&mut self) -> Parse<Value> {
        let start = self.targets.len();
        self.list("a list of labels", (b'(', b')'), |body| {
            let target = body.target()?;
            body.targets.push(target);
            Ok(())
        })?;
        Ok(Value::Targets(start, self.targets.len()))
    }

    /// A list of message labels: `[get, #1]`.
    fn label_list(&mut self) -> Parse<Value> {
        let start = self.lists.len();
        self.list("a list of message labels", (b'[', b']'), |body| {
            let label = body.message_label()?;
            body.lists.push(label);
            Ok(())
        })?;
        Ok(Value::List(start, self.lists.len()))
    }

    /// A message label: `#index` or its name.
    fn message_label(&mut self) -> Parse<u32> {
        if let Some(index) = self.parser.index(b'#', "a label index")? {
            return Ok(index);
        }
        let at = self.parser.token();
        let name = self.parser.name("a message label")?;
        let known = &self.env.builder.session_decls.label_ids;
        if let Some(label) = known.get(&*name) {
            return Ok(label.0.into());
        }
        let message = format!("there is no message label `{}`", clip(&name));
        let diag = self.parser.error_at(at, AsmErrorKind::UndefinedName, message);
        Err(suggest(diag, &name, known.keys().map(|name| name.as_str())))
    }

    /// An effect: `#index` or its name.
    fn effect(&mut self) -> Parse<u32> {
        if let Some(index) = self.parser.index(b'#', "an effect index")? {
            return Ok(index);
        }
        resolve(&mut self.parser, &self.env.effects, "effect").map(|id| id.0)
    }

    fn truth(&mut self) -> Parse<bool> {
        if self.parser.eat_word("true") {
            Ok(true)
        } else if self.parser.eat_word("false") {
            Ok(false)
        } else {
            Err(self.parser.expected("`true` or `false`"))
        }
    }

    /// A rounding mode by name.
    fn rounding(&mut self) -> Parse<u64> {
        let word = if self.parser.is(Tok::Word) { self.parser.here() } else { "" };
        let Some(mode) = Rounding::from_name(word) else {
            let names: Vec<_> = Rounding::ALL.iter().map(|mode| mode.name()).collect();
            let diag = self.parser.expected("a rounding mode");
            return Err(diag.hint(format!("they are {}", names.join(", "))));
        };
        self.parser.bump();
        Ok(u64::from(mode.code()))
    }

    /// A 32-bit number, or the index of a struct field: `Point.x`.
    fn index_immediate(&mut self) -> Parse<u64> {
        if !self.parser.is(Tok::Word) {
            return self.parser.unsigned(u64::from(u32::MAX), "a 32-bit number");
        }
        let at = self.parser.bump();
        let word = self.parser.text(at);
        let field = word.split_once('.').and_then(|(name, field)| {
            let id = self.env.structs.get(name)?.id;
            self.env.fields.get(id.index())?.iter().position(|known| *known == field)
        });
        field.map(|index| index as u64).ok_or_else(|| {
            let message = format!("`{}` is no field of a struct type", clip(word));
            let diag = self.parser.error_at(at, AsmErrorKind::UndefinedName, message);
            diag.hint("write a number, or `Type.field`")
        })
    }

    /// A pool constant: `#index`, a name, or a literal.
    fn constant(&mut self) -> Parse<u32> {
        if let Some(index) = self.parser.index(b'#', "a constant index")? {
            return Ok(index);
        }
        if self.parser.is(Tok::Word) && !self.parser.is_literal() {
            return resolve(&mut self.parser, &self.env.consts, "constant").map(|id| id.0);
        }
        let at = self.parser.token();
        let literal = self.parser.literal()?;
        let id = self.env.builder.constant(literal.value()).map_err(build_error(&self.parser, at))?;
        Ok(id.0)
    }

    /// A host import: `#index`, its name here, or its symbol in quotes.
    fn host(&mut self) -> Parse<u32> {
        if let Some(index) = self.parser.index(b'#', "a host import index")? {
            return Ok(index);
        }
        let names = if self.parser.is(Tok::Str) { &self.env.host_symbols } else { &self.env.hosts };
        resolve(&mut self.parser, names, "host import").map(|id| id.0)
    }

    /// A linear memory: `#index` or its name.
    fn memory(&mut self) -> Parse<u32> {
        if let Some(index) = self.parser.index(b'#', "a memory index")? {
            return Ok(index);
        }
        resolve(&mut self.parser, &self.env.memories, "memory").map(|id| id.0)
    }

    /// An intrinsic: its name, or `#id`.
    fn intrinsic(&mut self) -> Parse<u32> {
        if let Some(id) = self.parser.index(b'#', "an intrinsic id")? {
            return Ok(id);
        }
        if !self.parser.is(Tok::Word) {
            return Err(self.parser.expected("the name of an intrinsic"));
        }
        let at = self.parser.bump();
        let word = self.parser.text(at);
        let isa = self.env.builder.isa;
        if let Some(row) = isa.find_intrinsic(word) {
            return Ok(row.id.get().into());
        }
        let message = format!("there is no intrinsic `{}`", clip(word));
        let diag = self.parser.error_at(at, AsmErrorKind::UndefinedName, message);
        Err(suggest(diag, word, isa.intrinsics.iter().map(|row| row.name.as_str())))
    }

    /// A call signature: `#index`, a name, or the signature itself.
    fn call_sig(&mut self) -> Parse<u32> {
        if let Some(index) = self.parser.index(b'#', "a signature index")? {
            return Ok(index);
        }
        let at = self.parser.token();
        if at.tok != Tok::Punct(b'(') {
            return resolve(&mut self.parser, &self.env.sigs, "call signature").map(|id| id.0);
        }
        let (params, results) = self.parser.signature()?;
        let id = self.env.builder.call_sig(&params, &results).map_err(build_error(&self.parser, at))?;
        Ok(id.0)
    }
}
