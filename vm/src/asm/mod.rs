//! The assembler: text programs (`.ofa`) to [`Program`]s.
//!
//! Owns the text format. Relies on the opcode tables for every instruction's mnemonic and operand syntax, on the
//! builder for tables and code. Never verifies: ids that text gives by index may point anywhere, and the
//! verifier says so. Its inverse is [`crate::disasm`].
//!
//! # The format
//!
//! One statement a line; lists in brackets may span lines; comments start with `;` or `//`. Directives start
//! with a dot:
//!
//! ```text
//! .program "name"                          the program's name
//! .version 0.128                           the least container version; by default, that of the instructions
//! .const greeting = "hello"                a pool constant: unit, true, i64 -5, u64 5, f64 1.5,
//!                                          decimal(-12345, 2), "text", hex"00ff"
//! .struct Point { x: f64, y: f64 }         a struct type
//! .elem ints = i64                         an array element type
//! .host log = "env.log" (str) -> ()        a host import; `hash 0x..` after it replaces the computed hash
//! .sig visitor (agg, i64) -> (i64)         a signature for indirect calls
//! .memory heap 1 16 export                 a linear memory: least and most pages of 64 KiB; the host sees it
//! .func fib(n: i64) -> (i64) {             a function, up to a line that starts with `}`
//! ```
//!
//! And what is about sessions; [`crate::protocol`] has the grammar of types, which may span lines:
//!
//! ```text
//! .local Client = mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}
//!                                          a local type
//! .shape Shop { Client: Client, Server: !Client{..} }
//!                                          a kind of session: its roles, each with a local type or the name of one
//! .shape Shop = mu x. Client -> Server{..} the same, with the projections of a global type
//!     edge Client -> Server capacity 4 policy drop
//!                                          behind either: an edge that is not as edges are by default
//!     global = Client -> Server{..}        behind the first: its global type, or a text in quotes
//! .effect log(str) -> (u64) capability "io" speculative
//!                                          an effect; result, capability and `speculative` may be left out
//! .layer auth 1                            a guard layer with its capacity, 1 if there is none
//! ```
//!
//! A shape has the edges that its local types use. Each holds 64 messages, and a sender waits for room (`block`). Other
//! policies are `drop`, `error`, `latest` with a capacity of 1, and `resize max 1024`.
//!
//! In an endpoint's type, `chan(Shop, Client)` is the role `Client` of `Shop` before it has done anything. If `Shop` has
//! no such role, the name is that of a local type, and the role is the only one of `Shop` that comes to it. Payloads of
//! messages can only say this much; parameters and results of functions also take three parts, the last of them a local
//! type or its name: `chan(Shop, Client, ?Server{val(str). end})`. Endpoints that are handed over later are
//! `handle(Shop, Client)`, and evidence of a layer is `evidence(auth)`. Local types are compared by what they mean:
//! equal ones are one, however they are written.
//!
//! Parameters stand in `r1`, `r2` and so on, and their names are register names. A parameter that is an
//! aggregate may say its shape: `tuple(i64, ?)`, `struct Point`, `array i64`. Inside a body stand instructions,
//! labels `@loop:` (recorded as names in the program) or `@12:` (not recorded), `.reg i, sum` for more register
//! names (`.reg t = r9` for a chosen one), `.span 17` before the first instruction of a source span, and
//! `.raw 13 81 80 00` for bytes as they are.
//!
//! Operands are written by kind: `r5` or a register name; `(r1, r2)` or a single register for a list; `@label`;
//! `-` for a register that is left out; integers; floats as shortest decimals, `inf`, `nan`, `nan:0x7ff8000000000001`; `true`; `&fib`; and for
//! constants, types and signatures a name, `#index`, or the thing itself (`"text"`, `i64`, `(i64) -> (i64)`),
//! which is then interned. An index immediate may be a field: `Point.x`. Message labels, shapes, effects and layers
//! are names or `#index`; a list of labels stands in `[get, quit]`.
//!
//! What the disassembler needs to give back every program exactly is there for people too, but rarely needed:
//! indices as assertions (`.const #3 "x"`), tables in order (`.symbol "x"`, `.field "x"`), code and span tables
//! apart from functions (`.code #0 {`, `.spans #0 +0:17 +3:18`, and on a function `code 0`, `spans 0`), counts
//! (`regs 9`, `arity 1 2`), names apart from things (`.name &3 "fib"`, `.label &3 12 "loop"`,
//! `.shape &3 0 array i64`, `.linear &3 param 0 chan(#0, 1, #4)`), branch targets that are no instruction (`@=7`), and other sections
//! (`.section 66 hex"00"`). Roles and labels that are not numbered as they are met have `.role #0 Client` and
//! `.label #0 get`. States that no local type stands for are given by index, and then all are: `.payload #1 tuple(#0)`,
//! `.state #0 send #1 { #0(#1) -> #2 }`, `.local Client = #0`, and shapes with all of their edges,
//! `.shape Shop raw { #0: #0 } edge 0 -> 1`.

mod body;
mod endpoints;
mod env;
mod error;
mod funcs;
mod instr;
mod lexer;
mod literal;
mod outline;
mod parser;
mod render;
#[cfg(test)]
mod session_tests;
mod sessions;
mod tables;
#[cfg(test)]
mod tests;
mod types;

pub use error::{AsmError, AsmErrorKind, AsmErrors};
pub use render::Rendered;

use crate::program::Program;
use env::Env;
use opforge_schema::Isa;
use outline::Outline;
use parser::{Parser, Sink};

/// The bytes of source that are accepted at most.
pub const MAX_SOURCE: usize = 1 << 30;

/// Assembles a text program.
///
/// # Errors
/// Every error found, up to [`AsmErrors::MAX`].
pub fn assemble(source: &str) -> Result<Program, AsmErrors> {
    assemble_with(&opforge_tables::ISA, source)
}

/// Assembles a text program for an instruction set of the embedder.
///
/// # Errors
/// Every error found, up to [`AsmErrors::MAX`].
pub fn assemble_with(isa: &Isa<'_>, source: &str) -> Result<Program, AsmErrors> {
    let mut sink = Sink::default();
    let mut env = Env::new(*isa);
    run(&mut env, &mut sink, source);
    if !sink.is_empty() {
        return Err(sink.into_errors(source));
    }
    env.builder.finish().map_err(|error| {
        let start = Parser::new(source, 0);
        sink.push(parser::build_error(&start, start.token())(error));
        sink.into_errors(source)
    })
}

/// Tables first, then function headers, then bodies, so that everything can be named before it is declared.
fn run<'s>(env: &mut Env<'s, '_>, sink: &mut Sink, source: &'s str) {
    if source.len() > MAX_SOURCE {
        let start = Parser::new("", 0);
        let message = alloc::format!("the source is longer than {MAX_SOURCE} bytes");
        sink.push(start.error(AsmErrorKind::TooLarge, message));
        return;
    }
    let outline = Outline::scan(source, sink);
    tables::declare(env, sink, source, &outline);
    let bodies = funcs::declare(env, sink, source, &outline);
    let declared = sink.is_empty();
    for body in &bodies {
        body::assemble(env, sink, source, body);
    }
    funcs::name(env, sink, source, &outline);
    // What was not declared because of an error would be missed once more.
    if declared {
        sessions::resolve(env, sink);
    }
}
