//! The meter: one word in which compiled code carries its fuel and the room for frames.
//!
//! Fuel stands above [`ROOM_BITS`] bits of room: `fuel << 16 | room`. So one register goes through calls and comes back,
//! and calls need not keep the room: a callee gets the meter less one frame and returns it with less fuel, and the
//! caller adds the frame again. A meter below zero is too little fuel; one below [`LOWEST`] is no meter at all but
//! [`LEFT`].

/// Bits of the room.
pub(crate) const ROOM_BITS: u32 = 16;

/// The bits of the room.
pub(crate) const ROOM_MASK: u64 = (1 << ROOM_BITS) - 1;

/// What compiled functions return instead of the meter when the run goes on in the interpreter, and helpers that
/// give a meter when there is none.
pub(crate) const LEFT: i64 = i64::MIN / 2;

/// No meter that a cost was taken from is below this: costs are below 2^45. [`LEFT`] is, with or without a cost.
pub(crate) const LOWEST: i64 = i64::MIN / 4;

/// An amount of fuel as it is taken from the meter.
pub(crate) const fn scaled(fuel: u64) -> u64 {
    fuel << ROOM_BITS
}

/// A meter.
pub(crate) const fn pack(fuel: u64, room: u16) -> i64 {
    (scaled(fuel) | room as u64) as i64
}

/// Fuel and room of a meter.
pub(crate) const fn unpack(meter: i64) -> (u64, u16) {
    (meter as u64 >> ROOM_BITS, meter as u16)
}
