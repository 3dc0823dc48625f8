//! Vectors of two numbers. Each operation is rounded by itself.

use super::layout::Layout;
use super::math;

/// A vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vec2 {
    x: f64,
    y: f64,
}

impl Layout for Vec2 {
    const CLASSES: &'static [u8] = &[f64::CLASSES[0], f64::CLASSES[0]];

    #[inline]
    fn load(slots: &[u64]) -> Self {
        new(f64::load(slots), f64::load(slots.get(1..).unwrap_or(&[])))
    }

    #[inline]
    fn store(self, slots: &mut [u64]) {
        self.x.store(slots);
        self.y.store(slots.get_mut(1..).unwrap_or(&mut []));
    }
}

pub(super) fn new(x: f64, y: f64) -> Vec2 {
    Vec2 { x, y }
}

pub(super) fn x(v: Vec2) -> f64 {
    v.x
}

pub(super) fn y(v: Vec2) -> f64 {
    v.y
}

pub(super) fn add(a: Vec2, b: Vec2) -> Vec2 {
    new(a.x + b.x, a.y + b.y)
}

pub(super) fn sub(a: Vec2, b: Vec2) -> Vec2 {
    new(a.x - b.x, a.y - b.y)
}

pub(super) fn mul(a: Vec2, b: Vec2) -> Vec2 {
    new(a.x * b.x, a.y * b.y)
}

pub(super) fn scale(v: Vec2, k: f64) -> Vec2 {
    new(v.x * k, v.y * k)
}

pub(super) fn dot(a: Vec2, b: Vec2) -> f64 {
    a.x * b.x + a.y * b.y
}

pub(super) fn length(v: Vec2) -> f64 {
    math::hypot(v.x, v.y)
}

pub(super) fn length_squared(v: Vec2) -> f64 {
    dot(v, v)
}

pub(super) fn distance(a: Vec2, b: Vec2) -> f64 {
    length(sub(b, a))
}

/// Components are first brought near 1 by a power of two, so that neither the length nor the quotient of a very long
/// or very short vector is lost.
pub(super) fn normalize(v: Vec2) -> Vec2 {
    let largest = if v.x.abs() > v.y.abs() { v.x.abs() } else { v.y.abs() };
    let by = if largest > 1e150 {
        1.0 / (1u128 << 100) as f64 / (1u128 << 100) as f64 / (1u128 << 100) as f64
    } else if largest < 1e-150 {
        let step = (1u128 << 120) as f64;
        step * step * step * step * step
    } else {
        1.0
    };
    let near = scale(v, by);
    let length = length(near);
    if length == 0.0 {
        return v;
    }
    if length.is_infinite() {
        // One component is infinite: math.hypot says so even where the other one is NaN.
        return new(v.x / length, v.y / length);
    }
    new(near.x / length, near.y / length)
}

pub(super) fn lerp(a: Vec2, b: Vec2, t: f64) -> Vec2 {
    let mix = |a: f64, b: f64| a * (1.0 - t) + b * t;
    new(mix(a.x, b.x), mix(a.y, b.y))
}

pub(super) fn neg(v: Vec2) -> Vec2 {
    new(-v.x, -v.y)
}

pub(super) fn rotate(v: Vec2, angle: f64) -> Vec2 {
    let (sin, cos) = (math::sin(angle), math::cos(angle));
    new(v.x * cos - v.y * sin, v.x * sin + v.y * cos)
}

pub(super) fn angle(v: Vec2) -> f64 {
    math::atan2(v.y, v.x)
}

/// The smaller number by IEEE 754 `minimum`.
fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

/// The larger number by IEEE 754 `maximum`.
fn maximum(a: f64, b: f64) -> f64 {
    -minimum(-a, -b)
}

pub(super) fn min(a: Vec2, b: Vec2) -> Vec2 {
    new(minimum(a.x, b.x), minimum(a.y, b.y))
}

pub(super) fn max(a: Vec2, b: Vec2) -> Vec2 {
    new(maximum(a.x, b.x), maximum(a.y, b.y))
}

pub(super) fn clamp(v: Vec2, lo: Vec2, hi: Vec2) -> Vec2 {
    min(max(v, lo), hi)
}
