//! The symbols that `core` and `alloc` themselves ask of every platform (module documentation of `core`).
//!
//! Targets without an operating system bring them; this Linux target leaves them to the C library, which is not
//! linked here. Written byte by byte through volatile accesses, so that the compiler does not turn a loop back into
//! a call of the function that it stands in.

use core::ffi::c_int;

/// Named by the prebuilt `alloc`, which is compiled for unwinding; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above: where the clean-up code of the prebuilt `alloc` would go on unwinding.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// # Safety
/// `dest` and `src` are valid for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(dest: *mut u8, src: *const u8, len: usize) -> *mut u8 {
    let forward = dest.cast_const() <= src;
    for step in 0..len {
        let at = if forward { step } else { len - 1 - step };
        // SAFETY: `at` is below `len`, for which the caller vouches.
        unsafe { dest.add(at).write_volatile(src.add(at).read_volatile()) }
    }
    dest
}

/// # Safety
/// As [`memmove`].
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(dest: *mut u8, src: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the same contract.
    unsafe { memmove(dest, src, len) }
}

/// # Safety
/// `dest` is valid for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(dest: *mut u8, byte: c_int, len: usize) -> *mut u8 {
    for at in 0..len {
        // SAFETY: `at` is below `len`, for which the caller vouches.
        unsafe { dest.add(at).write_volatile(byte as u8) }
    }
    dest
}

/// # Safety
/// `a` and `b` are valid for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> c_int {
    for at in 0..len {
        // SAFETY: `at` is below `len`, for which the caller vouches.
        let (a, b) = unsafe { (a.add(at).read_volatile(), b.add(at).read_volatile()) };
        if a != b {
            return c_int::from(a) - c_int::from(b);
        }
    }
    0
}

/// # Safety
/// As [`memcmp`].
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, len: usize) -> c_int {
    // SAFETY: the same contract.
    unsafe { memcmp(a, b, len) }
}
