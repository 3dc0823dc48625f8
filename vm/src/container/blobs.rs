//! Counted byte strings, each with its length in front: symbols, field names and code.

use super::reader::{Reader, Result};
use super::writer::Writer;
use crate::program::{Lists, Texts};

/// The least bytes of an entry: an empty string's length.
const MIN_BYTES: usize = 1;

/// Number of strings and of their bytes. The caller's reader stays where it is.
fn measure(mut r: Reader<'_>) -> Result<(usize, usize)> {
    let count = r.count(MIN_BYTES)?;
    let mut bytes = 0;
    for _ in 0..count {
        bytes += r.blob()?.len();
    }
    Ok((count, bytes))
}

pub(super) fn read_texts(r: &mut Reader<'_>, texts: &mut Texts) -> Result<()> {
    let (count, bytes) = measure(r.clone())?;
    r.reserve(texts.try_reserve_exact(bytes, count))?;
    for _ in 0..r.count(MIN_BYTES)? {
        let text = r.text()?;
        texts.push(text).ok_or_else(|| r.out_of_memory())?;
    }
    Ok(())
}

pub(super) fn read_bytes(r: &mut Reader<'_>, lists: &mut Lists<u8>) -> Result<()> {
    let (count, bytes) = measure(r.clone())?;
    r.reserve(lists.try_reserve_exact(bytes, count))?;
    for _ in 0..r.count(MIN_BYTES)? {
        let blob = r.blob()?;
        lists.push(blob).ok_or_else(|| r.out_of_memory())?;
    }
    Ok(())
}

pub(super) fn write_texts(texts: &Texts, w: &mut Writer) {
    w.count(texts.len());
    for text in texts.iter() {
        w.blob(text.as_bytes());
    }
}

pub(super) fn write_bytes(lists: &Lists<u8>, w: &mut Writer) {
    w.count(lists.len());
    for bytes in lists.iter() {
        w.blob(bytes);
    }
}
