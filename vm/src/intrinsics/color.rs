//! Colours: rgba8888 in the low half of a slot, red in the highest byte, alpha in the lowest.

use super::layout::Layout;
use opforge_math as math;

/// A colour; what stands above bit 31 of its slot is not looked at, and is 0 where a colour is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(u32);

impl Layout for Color {
    const CLASSES: &'static [u8] = u64::CLASSES;

    #[inline]
    fn load(slots: &[u64]) -> Self {
        Self(u64::load(slots) as u32)
    }

    #[inline]
    fn store(self, slots: &mut [u64]) {
        u64::from(self.0).store(slots);
    }
}

impl Color {
    fn channels(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The colour whose channels are a function of those of two.
    fn zip(self, other: Self, f: impl Fn(u8, u8) -> u8) -> Self {
        let ([r, g, b, a], [s, h, c, z]) = (self.channels(), other.channels());
        Self(u32::from_be_bytes([f(r, s), f(g, h), f(b, c), f(a, z)]))
    }
}

fn byte(channel: i64) -> u8 {
    channel.clamp(0, 255) as u8
}

pub(super) fn from_rgba(r: i64, g: i64, b: i64, a: i64) -> Color {
    Color(u32::from_be_bytes([byte(r), byte(g), byte(b), byte(a)]))
}

pub(super) fn r(c: Color) -> i64 {
    c.channels()[0].into()
}

pub(super) fn g(c: Color) -> i64 {
    c.channels()[1].into()
}

pub(super) fn b(c: Color) -> i64 {
    c.channels()[2].into()
}

pub(super) fn a(c: Color) -> i64 {
    c.channels()[3].into()
}

pub(super) fn with_alpha(c: Color, a: i64) -> Color {
    let [r, g, b, _] = c.channels();
    Color(u32::from_be_bytes([r, g, b, byte(a)]))
}

/// A number from 0 to 1; NaN is 0.
fn unit(x: f64) -> f64 {
    if x >= 1.0 {
        1.0
    } else if x > 0.0 {
        x
    } else {
        0.0
    }
}

pub(super) fn lerp(a: Color, b: Color, t: f64) -> Color {
    let t = unit(t);
    // At most 255.5: the conversion cuts off.
    a.zip(b, |a, b| (f64::from(a) * (1.0 - t) + f64::from(b) * t + 0.5) as u8)
}

pub(super) fn mul(a: Color, b: Color) -> Color {
    a.zip(b, |a, b| ((u32::from(a) * u32::from(b) + 127) / 255) as u8)
}

/// The sRGB transfer function, from encoded to linear light.
fn linear(channel: u8) -> f64 {
    let x = f64::from(channel) / 255.0;
    if x <= 0.04045 { x / 12.92 } else { math::pow((x + 0.055) / 1.055, 2.4) }
}

/// The inverse of [`linear`], from 0 to 1.
fn encoded(x: f64) -> f64 {
    if x <= 0.003_130_8 { x * 12.92 } else { 1.055 * math::pow(x, 1.0 / 2.4) - 0.055 }
}

pub(super) fn to_linear(c: Color) -> (f64, f64, f64, f64) {
    let [r, g, b, a] = c.channels();
    (linear(r), linear(g), linear(b), f64::from(a) / 255.0)
}

pub(super) fn from_linear(r: f64, g: f64, b: f64, a: f64) -> Color {
    let channel = |x: f64| (x * 255.0 + 0.5) as u8;
    let [r, g, b] = [r, g, b].map(|x| channel(encoded(unit(x))));
    Color(u32::from_be_bytes([r, g, b, channel(unit(a))]))
}
