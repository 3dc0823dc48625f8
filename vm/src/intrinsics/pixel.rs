//! Pixels: a position and a colour.

use super::color::Color;
use super::layout::Layout;

/// A pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pixel {
    x: i64,
    y: i64,
    color: Color,
}

impl Layout for Pixel {
    const CLASSES: &'static [u8] = &[i64::CLASSES[0], i64::CLASSES[0], Color::CLASSES[0]];

    #[inline]
    fn load(slots: &[u64]) -> Self {
        let part = |at: usize| slots.get(at..).unwrap_or(&[]);
        new(i64::load(slots), i64::load(part(1)), Color::load(part(2)))
    }

    #[inline]
    fn store(self, slots: &mut [u64]) {
        self.x.store(slots);
        self.y.store(slots.get_mut(1..).unwrap_or(&mut []));
        self.color.store(slots.get_mut(2..).unwrap_or(&mut []));
    }
}

pub(super) fn new(x: i64, y: i64, color: Color) -> Pixel {
    Pixel { x, y, color }
}

pub(super) fn x(p: Pixel) -> i64 {
    p.x
}

pub(super) fn y(p: Pixel) -> i64 {
    p.y
}

pub(super) fn color(p: Pixel) -> Color {
    p.color
}

pub(super) fn with_color(p: Pixel, color: Color) -> Pixel {
    Pixel { color, ..p }
}

pub(super) fn offset(p: Pixel, dx: i64, dy: i64) -> Pixel {
    Pixel { x: p.x.wrapping_add(dx), y: p.y.wrapping_add(dy), ..p }
}
