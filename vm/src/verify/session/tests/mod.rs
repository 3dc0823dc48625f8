//! What a program declares about sessions, damaged in every way that is told apart, and coherence.

mod coherence;
mod delegation;
mod hostile;
mod tables;

use crate::program::Program;

/// A shop, delegation, an effect, a layer, and functions with linear parameters and results.
const SOURCE: &str = "
.local Client = mu x. !Server{get(u64). ?Server{val(tuple(u64, str)). x}, quit. end}
.local Server = mu x. ?Client{get(u64). !Client{val(tuple(u64, str)). x}, quit. end}
.local Give = !Taker{hand(chan(Shop, Client)). end}
.local Take = ?Giver{hand(chan(Shop, Client)). end}
.shape Shop { Client: Client, Server: Server }
.shape Hands { Giver: Give, Taker: Take } edge Giver -> Taker capacity 2 policy resize max 8
.effect log(str) -> (u64) capability \"io\"
.layer auth 1
.func f(c: chan(Shop, Client), e: evidence(auth), h: handle(Shop, Server), n: u64) -> (c: chan(Shop, Client)) {
    release auth, e
    close h
    ret c
}
";

fn program() -> Program {
    crate::asm::assemble(SOURCE).unwrap_or_else(|errors| panic!("{errors}"))
}
