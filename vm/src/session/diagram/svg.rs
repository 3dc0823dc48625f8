//! SVG. All coordinates are whole pixels; texts are in a font of fixed width, so that their lengths are known.

use super::scene::{Arrival, Item, Lane, Row, Scene};
use crate::text::{is_hidden, width};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Width of a character cell.
const CELL: usize = 7;
/// Where ticks stand, on the left.
const GUTTER: usize = 64;
/// Height of a participant's head.
const HEAD: usize = 26;
/// Distance of two rows.
const ROW: usize = 28;
/// Space around everything.
const MARGIN: usize = 12;
/// The least distance of two lines.
const MIN_GAP: usize = 110;
/// Where the first row is.
const FIRST: usize = MARGIN + HEAD + ROW;
/// How long arrows are that come from nowhere or go nowhere.
const STUB: usize = 44;

/// Colours for light; those for dark stand in a media query behind them.
const STYLE: &str = "\
.opf-bg{fill:#fff}.opf-t{fill:#1f2328;font:12px ui-monospace,Menlo,Consolas,monospace}.opf-d{fill:#6e7781}\
.opf-l{stroke:#c4ccd4}.opf-h{fill:#f3f5f7;stroke:#8c959f}.opf-a{stroke:#0a5cb8;fill:none;stroke-width:1.4}\
.opf-f{fill:#0a5cb8}.opf-n{fill:#fff6d6;stroke:#b99a2e}.opf-b{fill:#eaeef2;stroke:#afb8c1}\
.opf-x{fill:#ffe3e0;stroke:#cf222e}.opf-g{stroke-dasharray:5 4}\
@media(prefers-color-scheme:dark){.opf-bg{fill:#14181d}.opf-t{fill:#e6edf3}.opf-d{fill:#8d96a0}\
.opf-l{stroke:#3a424b}.opf-h{fill:#1f262d;stroke:#6e7681}.opf-a{stroke:#6cb0ff}.opf-f{fill:#6cb0ff}\
.opf-n{fill:#3a3113;stroke:#b99a2e}.opf-b{fill:#262d35;stroke:#57606a}.opf-x{fill:#4b1a1c;stroke:#ff7b72}}";

pub(super) fn write(scene: &Scene) -> String {
    let mut picture = Picture { scene, out: String::new(), x: columns(scene) };
    // Writing to a string does not fail.
    let _ = picture.document();
    picture.out
}

/// Where the lines stand: far enough from each other for heads, and for the texts between neighbours.
fn columns(scene: &Scene) -> Vec<usize> {
    let heads: Vec<usize> = scene.lanes.iter().map(|(_, name)| text_width(name) + 20).collect();
    // What there must be to the right of each line, up to the next.
    let mut gaps: Vec<usize> =
        heads.windows(2).map(|pair| MIN_GAP.max(pair.iter().sum::<usize>() / 2 + 16)).collect();
    let mut widen = |from: Lane, to: Lane, text: &str| {
        let (from, to) = (scene.place(from), scene.place(to));
        let (left, right) = (from.min(to), from.max(to));
        let have: usize = gaps.get(left..right).unwrap_or(&[]).iter().sum();
        let want = text_width(text) + 32;
        // The text stands at the sender's end.
        let at = if from < to { left } else { right.saturating_sub(1) };
        if let Some(gap) = gaps.get_mut(at).filter(|_| want > have) {
            *gap += want - have;
        }
    };
    for row in &scene.rows {
        match &row.item {
            Item::Send { from, to, text, .. } | Item::Link { from, to, text } => widen(*from, *to, text),
            _ => {}
        }
    }
    let mut x = MARGIN + GUTTER + heads.first().map_or(0, |head| head / 2).max(STUB);
    // A note over the first line must not cover the ticks.
    x = x.max(MARGIN + GUTTER + widest_note(scene, 0) / 2);
    let mut columns = Vec::from([x]);
    for gap in gaps {
        x += gap;
        columns.push(x);
    }
    columns
}

/// The width of the widest note over a line.
fn widest_note(scene: &Scene, place: usize) -> usize {
    let notes = scene.rows.iter().filter_map(|row| match &row.item {
        Item::Note { lane, text, .. } if scene.place(*lane) == place => Some(text_width(text) + 16),
        _ => None,
    });
    notes.max().unwrap_or(0)
}

fn text_width(text: &str) -> usize {
    text.chars().map(width).sum::<usize>() * CELL + CELL
}

struct Picture<'a> {
    scene: &'a Scene,
    out: String,
    /// Where the lines stand.
    x: Vec<usize>,
}

impl Picture<'_> {
    fn document(&mut self) -> fmt::Result {
        let scene = self.scene;
        let rest = scene.rest();
        let bottom = self.y(scene.rows.len() + usize::from(rest.is_some()));
        let (width, height) = (self.width(), bottom + MARGIN);
        write!(self.out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ")?;
        writeln!(self.out, "viewBox=\"0 0 {width} {height}\" role=\"img\">")?;
        writeln!(self.out, "<title>Sequence diagram of {} events</title>", scene.rows.len())?;
        writeln!(self.out, "<style>{STYLE}</style>")?;
        writeln!(
            self.out,
            "<defs>{}{}</defs>",
            Marker { id: "opf-m", tip: 9 },
            Marker { id: "opf-c", tip: 15 }
        )?;
        writeln!(self.out, "<rect class=\"opf-bg\" width=\"{width}\" height=\"{height}\"/>")?;
        for (place, (_, name)) in scene.lanes.iter().enumerate() {
            self.lane(place, name, bottom - ROW / 2)?;
        }
        // Bands lie below arrows that go past them.
        for below in [true, false] {
            for (at, row) in scene.rows.iter().enumerate() {
                if matches!(row.item, Item::Band { .. }) == below {
                    self.row(at, row)?;
                }
            }
        }
        if let Some(rest) = rest {
            let y = self.y(scene.rows.len()) + 4;
            self.text(MARGIN, y, "opf-t opf-d", "start", &rest)?;
        }
        writeln!(self.out, "</svg>")
    }

    /// The width of everything, with the texts that stick out on the right.
    fn width(&self) -> usize {
        let mut right = GUTTER + 240;
        for (place, (_, name)) in self.scene.lanes.iter().enumerate() {
            right = right.max(self.at(place) + (text_width(name) + 20) / 2);
        }
        for row in &self.scene.rows {
            right = right.max(match &row.item {
                Item::Note { lane, text, .. } => self.x(*lane) + (text_width(text) + 16) / 2,
                Item::Receive { to, text, sent: None } => self.x(*to) + 8 + text_width(text),
                Item::Band { session, text, .. } => {
                    let (left, right) = self.band(*session, text);
                    left + right
                }
                _ => 0,
            });
        }
        right + MARGIN
    }

    fn at(&self, place: usize) -> usize {
        self.x.get(place).copied().unwrap_or(MARGIN + GUTTER)
    }

    fn x(&self, lane: Lane) -> usize {
        self.at(self.scene.place(lane))
    }

    fn y(&self, row: usize) -> usize {
        FIRST + row * ROW
    }

    fn lane(&mut self, place: usize, name: &str, bottom: usize) -> fmt::Result {
        let (x, wide, base) = (self.at(place), text_width(name) + 20, MARGIN + HEAD);
        writeln!(self.out, "<path class=\"opf-l\" d=\"M{x} {base}V{bottom}\"/>")?;
        self.boxed(x - wide / 2, MARGIN, [wide, HEAD], "opf-h")?;
        self.text(x, MARGIN + HEAD / 2 + 4, "opf-t", "middle", name)
    }

    fn row(&mut self, at: usize, row: &Row) -> fmt::Result {
        let y = self.y(at);
        writeln!(self.out, "<g><title>{}</title>", Xml(&row.title))?;
        write!(self.out, "<text class=\"opf-t opf-d\" x=\"{MARGIN}\" y=\"{}\">{}</text>", y + 4, row.tick)?;
        match &row.item {
            Item::Send { from, to, text, arrival, offered, chosen } => {
                self.message([*from, *to], at, text, *arrival, [*offered, *chosen])?;
            }
            Item::Receive { sent: Some(_), .. } => {}
            Item::Receive { to, text, .. } => {
                let x = self.x(*to);
                write!(self.out, "<circle class=\"opf-f\" cx=\"{}\" cy=\"{y}\" r=\"3\"/>", x - STUB)?;
                self.arrow([x - STUB, y], [x, y], "opf-a", "opf-m")?;
                self.text(x + 8, y + 4, "opf-t", "start", text)?;
            }
            Item::Link { from, to, text } => {
                let (from, to) = (self.x(*from), self.x(*to));
                self.arrow([from, y], [to, y], "opf-a opf-g", "opf-m")?;
                self.label(from, from < to, y, text)?;
            }
            Item::Note { lane, text, bad } => {
                let (x, wide) = (self.x(*lane), text_width(text) + 16);
                let class = if *bad { "opf-x" } else { "opf-n" };
                self.boxed(x.saturating_sub(wide / 2), y - 10, [wide, 20], class)?;
                self.text(x, y + 4, "opf-t", "middle", text)?;
            }
            Item::Band { session, text, bad } => {
                let (left, wide) = self.band(*session, text);
                let class = if *bad { "opf-x" } else { "opf-b" };
                self.boxed(left, y - 10, [wide, 20], class)?;
                self.text(left + wide / 2, y + 4, "opf-t", "middle", text)?;
            }
        }
        writeln!(self.out, "</g>")
    }

    /// Where a band begins and how wide it is: from the first to the last line of what it is about, and at least as
    /// wide as its text.
    fn band(&self, session: Option<crate::SessionId>, text: &str) -> (usize, usize) {
        let (first, last) = self.scene.span(session);
        let (first, last) = (self.at(first), self.at(last));
        let wide = (last - first + 40).max(text_width(text) + 16);
        ((first + last).saturating_sub(wide).max(2 * (MARGIN + GUTTER - 24)) / 2, wide)
    }

    fn message(
        &mut self,
        lanes: [Lane; 2],
        at: usize,
        text: &str,
        arrival: Arrival,
        [offered, chosen]: [bool; 2],
    ) -> fmt::Result {
        let ([from, to], y) = (lanes.map(|lane| self.x(lane)), self.y(at));
        match arrival {
            // The head keeps clear of the mark of a choice.
            Arrival::Row(row) if chosen => self.arrow([from, y], [to, self.y(row)], "opf-a", "opf-c")?,
            Arrival::Row(row) => self.arrow([from, y], [to, self.y(row)], "opf-a", "opf-m")?,
            Arrival::Later => {
                let end = self.y(self.scene.rows.len());
                self.arrow([from, y], [to, end], "opf-a opf-g", "opf-m")?;
            }
            Arrival::Never => {
                let long = STUB.max(text_width(text) + 16);
                let end = if from < to { from + long } else { from.saturating_sub(long) };
                self.arrow([from, y], [end, y], "opf-a opf-g", "")?;
                write!(self.out, "<path class=\"opf-a\" d=\"M{} {}l8 8m0 -8l-8 8\"/>", end - 4, y - 4)?;
            }
        }
        if offered {
            write!(self.out, "<path class=\"opf-f\" d=\"M{} {y}l5 -5 5 5 -5 5z\"/>", from - 5)?;
        }
        if let (true, Arrival::Row(row)) = (chosen, arrival) {
            let end = self.y(row);
            write!(self.out, "<path class=\"opf-f\" d=\"M{} {end}l5 -5 5 5 -5 5z\"/>", to - 5)?;
        }
        self.label(from, from < to, y, text)
    }

    /// The text of an arrow, at its beginning and above it.
    fn label(&mut self, from: usize, rightwards: bool, y: usize, text: &str) -> fmt::Result {
        match rightwards {
            true => self.text(from + 10, y - 4, "opf-t", "start", text),
            false => self.text(from.saturating_sub(10), y - 4, "opf-t", "end", text),
        }
    }

    /// A line with this marker at its end; none for an empty name.
    fn arrow(&mut self, [x, y]: [usize; 2], to: [usize; 2], class: &str, marker: &str) -> fmt::Result {
        write!(self.out, "<path class=\"{class}\" d=\"M{x} {y}L{} {}\"", to[0], to[1])?;
        if !marker.is_empty() {
            write!(self.out, " marker-end=\"url(#{marker})\"")?;
        }
        self.out.write_str("/>")
    }

    fn boxed(&mut self, x: usize, y: usize, [wide, high]: [usize; 2], class: &str) -> fmt::Result {
        write!(
            self.out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"4\"/>"
        )
    }

    fn text(&mut self, x: usize, y: usize, class: &str, anchor: &str, text: &str) -> fmt::Result {
        write!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">")?;
        write!(self.out, "{}</text>", Xml(text))
    }
}

/// The head of an arrow. Its tip is at the end of the line for 9, before it for more.
struct Marker {
    id: &'static str,
    tip: usize,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, tip } = self;
        write!(f, "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"{tip}\" refY=\"5\" markerWidth=\"8\" ")?;
        f.write_str("markerHeight=\"8\" orient=\"auto\"><path class=\"opf-f\" d=\"M0 1 9 5 0 9z\"/></marker>")
    }
}

/// Text in XML. Hidden characters, of which XML forbids some, are shown as the replacement character.
struct Xml<'a>(&'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}"),
            c if is_hidden(c) => f.write_str("\u{fffd}"),
            c => f.write_char(c),
        })
    }
}
