//! Text. What is a part of a text refers to it and copies nothing; what is new is charged to the run.
//!
//! All take time linear in the bytes of their arguments, which is what their fuel counts.

use super::IntrinsicCtx;
use crate::heap::{text_parts, text_slot};
use crate::sem::text::{Bytes, Str};
use core::fmt::{self, Write as _};
use opforge_schema::TrapCode;

/// Bytes `start..end` of a text, which must be character boundaries inside it.
fn part(text: Str, start: usize, end: usize) -> Str {
    let (first, len) = text_parts(text.slot());
    let end = (end as u32).min(len);
    let start = (start as u32).min(end);
    Str::from_slot(text_slot(first + start, end - start))
}

fn len(text: Str) -> usize {
    text_parts(text.slot()).1 as usize
}

/// The bytes of a text, to look at without checking again that they are text.
fn bytes(text: Str) -> Bytes {
    Bytes::from_slot(text.slot())
}

fn position(ctx: &IntrinsicCtx<'_>, text: Str, wanted: Str) -> Option<usize> {
    ctx.text(text).find(ctx.text(wanted))
}

pub(super) fn find(ctx: &mut IntrinsicCtx<'_>, text: Str, wanted: Str) -> (bool, u64) {
    match position(ctx, text, wanted) {
        Some(at) => (true, at as u64),
        None => (false, 0),
    }
}

pub(super) fn starts_with(ctx: &mut IntrinsicCtx<'_>, text: Str, start: Str) -> bool {
    ctx.bytes(bytes(text)).starts_with(ctx.bytes(bytes(start)))
}

pub(super) fn ends_with(ctx: &mut IntrinsicCtx<'_>, text: Str, end: Str) -> bool {
    ctx.bytes(bytes(text)).ends_with(ctx.bytes(bytes(end)))
}

pub(super) fn split_once(ctx: &mut IntrinsicCtx<'_>, text: Str, by: Str) -> (bool, Str, Str) {
    let end = len(text);
    match position(ctx, text, by) {
        Some(at) => (true, part(text, 0, at), part(text, at + len(by), end)),
        None => (false, text, part(text, end, end)),
    }
}

pub(super) fn trim(ctx: &mut IntrinsicCtx<'_>, text: Str) -> Str {
    let all = ctx.bytes(bytes(text));
    let front = all.len() - all.trim_ascii_start().len();
    let inner = all.trim_ascii().len();
    part(text, front, front + inner)
}

pub(super) fn to_upper_ascii(ctx: &mut IntrinsicCtx<'_>, text: Str) -> Result<Str, TrapCode> {
    ctx.map(text, |byte| byte.to_ascii_uppercase())
}

pub(super) fn to_lower_ascii(ctx: &mut IntrinsicCtx<'_>, text: Str) -> Result<Str, TrapCode> {
    ctx.map(text, |byte| byte.to_ascii_lowercase())
}

pub(super) fn parse_i64(ctx: &mut IntrinsicCtx<'_>, text: Str) -> (bool, i64) {
    match ctx.text(text).parse() {
        Ok(number) => (true, number),
        Err(_) => (false, 0),
    }
}

pub(super) fn parse_f64(ctx: &mut IntrinsicCtx<'_>, text: Str) -> (bool, f64) {
    match ctx.text(text).parse() {
        Ok(number) => (true, number),
        Err(_) => (false, 0.0),
    }
}

/// Room for the text of any number.
struct Digits {
    bytes: [u8; 32],
    len: usize,
}

impl fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

fn written(ctx: &mut IntrinsicCtx<'_>, number: fmt::Arguments<'_>) -> Result<Str, TrapCode> {
    let mut digits = Digits { bytes: [0; 32], len: 0 };
    // Numbers have at most 24 characters; the error cannot be.
    let _ = digits.write_fmt(number);
    ctx.make(digits.bytes.get(..digits.len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or(""))
}

pub(super) fn from_i64(ctx: &mut IntrinsicCtx<'_>, n: i64) -> Result<Str, TrapCode> {
    written(ctx, format_args!("{n}"))
}

pub(super) fn from_f64(ctx: &mut IntrinsicCtx<'_>, x: f64) -> Result<Str, TrapCode> {
    written(ctx, format_args!("{x:?}"))
}
