//! Types, signatures, parameters with shapes, and constant literals.

use super::endpoints::class_of_linear;
use super::env::Env;
use super::error::AsmErrorKind;
use super::lexer::{Tok, Token};
use super::parser::{Parse, Parser, clip};
use crate::builder::{ConstValue, LinearRef};
use crate::program::AggShape;
use crate::value_type::ValueType;
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

/// Parameter and result types.
pub(super) type Sig = (Vec<ValueType>, Vec<ValueType>);

/// A symbol as written: by text or by index.
#[derive(Clone, Debug)]
pub(super) enum SymbolRef<'s> {
    Text(Cow<'s, str>),
    Index(u32),
}

/// A parameter or result of a function header.
#[derive(Debug)]
pub(super) struct Param<'s> {
    /// `None` where no name is written; an index of 0 for `_`.
    pub(super) name: Option<SymbolRef<'s>>,
    /// The name as a register name, where it is a word.
    pub(super) alias: Option<&'s str>,
    pub(super) ty: ValueType,
    pub(super) shape: Option<AggShape>,
    /// Which endpoint or evidence it is, with the place of the type.
    pub(super) linear: Option<(LinearRef, Token)>,
    pub(super) start: usize,
}

/// A constant as written.
#[derive(Debug)]
pub(super) enum Literal<'s> {
    Plain(ConstValue<'static>),
    Bytes(Vec<u8>),
    Str(Cow<'s, str>),
}

impl Literal<'_> {
    pub(super) fn value(&self) -> ConstValue<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Bytes(bytes) => ConstValue::Bytes(bytes),
            Self::Str(text) => ConstValue::Str(text),
        }
    }
}

/// The class with this name, from the class table; objects get host type 0.
pub(super) fn class_of(word: &str) -> Option<ValueType> {
    let row = opforge_tables::ISA.classes.iter().find(|row| {
        let len = row.name.iter().position(|&b| b == 0).unwrap_or(row.name.len());
        row.name.get(..len) == Some(word.as_bytes())
    })?;
    ValueType::from_tag(row.tag, 0)
}

impl<'s> Parser<'s> {
    /// A value type: a class name, for objects with the host type: `obj(7)`.
    pub(super) fn value_type(&mut self) -> Parse<ValueType> {
        if !self.is(Tok::Word) {
            return Err(self.expected("a type"));
        }
        let Some(ty) = class_of(self.here()) else {
            let message = format!("there is no type `{}`", clip(self.here()));
            return Err(self.error(AsmErrorKind::UndefinedName, message).hint(
                "types are unit, bool, i64, u64, f64, decimal, bytes, str, obj(N), agg, func, closure, chan, evidence, coro, epid",
            ));
        };
        self.bump();
        if let ValueType::Obj(_) = ty {
            self.expect_punct(b'(')?;
            let host = self.unsigned(u64::MAX, "a host type id")?;
            self.expect_punct(b')')?;
            return Ok(ValueType::Obj(host));
        }
        Ok(ty)
    }

    /// A list in parentheses, over any number of lines.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        self.expect_punct(b'(')?;
        let mut items = Vec::new();
        self.skip_newlines();
        while !self.eat_punct(b')') {
            items.push(item(self)?);
            self.skip_newlines();
            if self.eat_punct(b',') {
                self.skip_newlines();
            } else if !self.is_punct(b')') {
                return Err(self.expected("`,` or `)`"));
            }
        }
        Ok(items)
    }

    /// A signature: `(i64, agg) -> (str)`. A single result needs no parentheses, no result no arrow.
    pub(super) fn signature(&mut self) -> Parse<Sig> {
        let params = self.list(Self::value_type)?;
        if !self.eat(Tok::Arrow) {
            return Ok((params, Vec::new()));
        }
        let results =
            if self.is_punct(b'(') { self.list(Self::value_type)? } else { alloc::vec![self.value_type()?] };
        Ok((params, results))
    }

    /// A symbol: a text in quotes or `$index`.
    pub(super) fn symbol_ref(&mut self, what: &str) -> Parse<SymbolRef<'s>> {
        match self.index(b'$', "a symbol index")? {
            Some(index) => Ok(SymbolRef::Index(index)),
            None => self.string(what).map(SymbolRef::Text),
        }
    }

    /// A parameter or result of a function header: `i64`, `n: i64`, `"odd name": i64`, `p: struct Point`.
    pub(super) fn param(&mut self, env: &mut Env<'s, '_>) -> Parse<Param<'s>> {
        let start = self.token().start;
        let (mut name, mut alias) = (None, None);
        if self.is(Tok::Word) && self.second().tok == Tok::Punct(b':') {
            let token = self.bump();
            let word = self.text(token);
            if word == "_" {
                name = Some(SymbolRef::Index(0));
            } else {
                (name, alias) = (Some(SymbolRef::Text(Cow::Borrowed(word))), Some(word));
            }
        } else if self.is(Tok::Str) || self.is_punct(b'$') {
            name = Some(self.symbol_ref("a name")?);
        }
        if name.is_some() {
            self.expect_punct(b':')?;
        }
        let shape = self.shape(env)?;
        let at = self.token();
        let linear = if self.is_linear() { Some(self.linear(env)?) } else { None };
        let ty = match (&shape, &linear) {
            (Some(_), _) => ValueType::Agg,
            (_, Some(linear)) => class_of_linear(linear),
            _ => self.value_type()?,
        };
        Ok(Param { name, alias, ty, shape, linear: linear.map(|linear| (linear, at)), start })
    }

    /// A shape, if one stands here: `tuple(i64, ?)`, `struct Point`, `array i64`.
    pub(super) fn shape(&mut self, env: &mut Env<'s, '_>) -> Parse<Option<AggShape>> {
        Ok(if self.eat_word("tuple") {
            let elems = self.list(|p| if p.eat_punct(b'?') { Ok(None) } else { p.value_type().map(Some) })?;
            Some(AggShape::Tuple(elems))
        } else if self.eat_word("struct") {
            Some(AggShape::Struct(env.struct_ref(self)?))
        } else if self.eat_word("array") {
            Some(AggShape::Array(env.elem_ref(self)?))
        } else {
            None
        })
    }

    /// Whether a constant literal stands here.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self.token().tok, Tok::Str | Tok::Hex)
            || self.is(Tok::Word)
                && matches!(self.here(), "unit" | "true" | "false" | "i64" | "u64" | "f64" | "decimal")
    }

    /// A constant: `unit`, `true`, `i64 -5`, `u64 5`, `f64 1.5`, `decimal(-12345, 2)`, `"text"`, `hex"00ff"`.
    pub(super) fn literal(&mut self) -> Parse<Literal<'s>> {
        if self.is(Tok::Str) {
            return self.string("a text").map(Literal::Str);
        }
        if self.is(Tok::Hex) {
            return self.hex("a byte string").map(Literal::Bytes);
        }
        if !self.is_literal() {
            return Err(self
                .expected("a constant")
                .hint("constants are unit, true, false, i64 -5, u64 5, f64 1.5, decimal(-12345, 2), \"text\", hex\"00ff\""));
        }
        let word = self.bump();
        let value = match self.text(word) {
            "true" => ConstValue::Bool(true),
            "false" => ConstValue::Bool(false),
            "i64" => ConstValue::I64(self.signed("an i64")?),
            "u64" => ConstValue::U64(self.unsigned(u64::MAX, "a u64")?),
            "f64" => ConstValue::F64(self.float("an f64")?),
            "decimal" => {
                self.expect_punct(b'(')?;
                let mantissa = self.signed("a mantissa")?;
                self.expect_punct(b',')?;
                let scale = self.unsigned(u64::from(u8::MAX), "a scale")?;
                self.expect_punct(b')')?;
                ConstValue::Decimal(mantissa, scale as u8)
            }
            _ => ConstValue::Unit,
        };
        Ok(Literal::Plain(value))
    }
}
