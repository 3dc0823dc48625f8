//! Mermaid text.

use super::scene::{Arrival, Item, Scene};
use alloc::string::String;
use core::fmt::{self, Write};

pub(super) fn write(scene: &Scene) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = diagram(&mut out, scene);
    out
}

fn diagram(out: &mut String, scene: &Scene) -> fmt::Result {
    writeln!(out, "sequenceDiagram")?;
    if scene.lanes.is_empty() {
        writeln!(out, "    participant p0 as run")?;
    }
    for (place, (_, name)) in scene.lanes.iter().enumerate() {
        writeln!(out, "    participant p{place} as {}", Text(name))?;
    }
    for row in &scene.rows {
        item(out, scene, &row.item)?;
    }
    match scene.rest() {
        Some(rest) => band(out, scene.span(None), &rest),
        None => Ok(()),
    }
}

fn item(out: &mut String, scene: &Scene, item: &Item) -> fmt::Result {
    match item {
        Item::Send { from, to, text, arrival, offered, chosen } => {
            let arrow = if *arrival == Arrival::Never { "-x" } else { "->>" };
            let (from, to) = (scene.place(*from), scene.place(*to));
            write!(out, "    p{from}{arrow}p{to}: {}", Text(text))?;
            match (offered, chosen) {
                (true, true) => write!(out, " (offered, chosen)")?,
                (true, false) => write!(out, " (offered)")?,
                (false, true) => write!(out, " (chosen)")?,
                (false, false) => {}
            }
            writeln!(out, "{}", if *arrival == Arrival::Never { " (not received)" } else { "" })
        }
        Item::Receive { sent: Some(_), .. } => Ok(()),
        Item::Receive { to, text, .. } => {
            writeln!(out, "    Note over p{}: received {} (sending not seen)", scene.place(*to), Text(text))
        }
        Item::Link { from, to, text } => {
            writeln!(out, "    p{}-->>p{}: {}", scene.place(*from), scene.place(*to), Text(text))
        }
        Item::Note { lane, text, .. } => {
            writeln!(out, "    Note over p{}: {}", scene.place(*lane), Text(text))
        }
        Item::Band { session, text, .. } => band(out, scene.span(*session), text),
    }
}

fn band(out: &mut String, (first, last): (usize, usize), text: &str) -> fmt::Result {
    match first == last {
        true => writeln!(out, "    Note over p{first}: {}", Text(text)),
        false => writeln!(out, "    Note over p{first},p{last}: {}", Text(text)),
    }
}

/// Text as Mermaid reads it: what could mean something to it is written as the number of the character.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(c) = rest.chars().next() {
            // The word `end` ends a block wherever it stands.
            let word =
                rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
            if word > 0 {
                let (text, behind) = rest.split_at(word);
                rest = behind;
                match text.eq_ignore_ascii_case("end") {
                    true => write!(f, "#{};{}", u32::from(c), text.get(1..).unwrap_or(""))?,
                    false => f.write_str(text)?,
                }
                continue;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or("");
            match c {
                ' ' | '.' | ',' | '(' | ')' => write!(f, "{c}")?,
                _ => write!(f, "#{};", u32::from(c))?,
            }
        }
        Ok(())
    }
}
