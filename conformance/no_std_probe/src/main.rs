//! A program with no standard library, no C library and its own allocator, that links the core crates.
//!
//! It is built to see that it links, never run. A crate that pulls in `std` brings a second panic handler, which does
//! not compile; a call into the C library does not link.
#![no_std]
#![no_main]

mod core_needs;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::hint::black_box;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use opforge_vm::container::DecodeConfig;
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, asm};

#[cfg(feature = "with-std")]
extern crate std;

const HEAP_BYTES: usize = 1 << 20;

/// Hands out one block of memory from front to back and takes nothing back.
struct Bump {
    heap: UnsafeCell<[u8; HEAP_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: bytes of `heap` are only reached through pointers from `alloc`, which never hands out a byte twice.
unsafe impl Sync for Bump {}

// SAFETY: a block lies inside `heap`, is aligned as asked, and overlaps no other block.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.heap.get().cast::<u8>();
        // Room for the worst alignment, so that the reservation is one atomic addition.
        let Some(room) = layout.size().checked_add(layout.align()) else { return null_mut() };
        let start = self.used.fetch_add(room, Ordering::Relaxed);
        if start.checked_add(room).is_none_or(|end| end > HEAP_BYTES) {
            return null_mut();
        }
        let free = base.wrapping_add(start);
        free.wrapping_add(free.align_offset(layout.align()))
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump { heap: UnsafeCell::new([0; HEAP_BYTES]), used: AtomicUsize::new(0) };

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Where the linker starts a program that has no start-up files.
// SAFETY: the program defines this name once, and no library is linked that could define it too.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    black_box(opforge_schema::TrapCode::from_name(black_box("DivByZero")));
    black_box(opforge_tables::ISA.find(black_box("i64.add")));
    // The remainder of floats is a call into a mathematical library, and so what would be missing first.
    black_box(opforge_vm::sem::float::f64_rem(black_box(7.5), black_box(2.0)));
    black_box(assemble_and_run(black_box("")));
    black_box(opforge_vm::container::decode(black_box(&[]), &DecodeConfig::default()).is_ok());
    loop {
        core::hint::spin_loop();
    }
}

/// The whole way of a program, so that all of it is linked.
fn assemble_and_run(text: &str) -> Option<u64> {
    let program = asm::assemble(text).ok()?;
    let verified = verify(program, &VerifyConfig::default()).ok()?;
    let module = Module::new(&Engine::default(), &verified).ok()?;
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none()).ok()?;
    let results = instance.call(FuncId(0), &[], Limits::new()).ok()?;
    Some(results.len() as u64)
}
