//! The page about sessions.

use opforge_tables::SESSION_FAMILY;

const PAGE: &str = "\
sessions: conversations of coroutines, whose order and types are checked before anything runs

A shape says which roles take part in a session and what each of them does:
  .local Client = mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}
  .local Server = mu x. ?Client{get(u64). !Client{val(str). x}, quit. end}
  .shape Shop { Client: Client, Server: Server }
`!Server{..}` sends one of the labels to Server, `?Client{..}` receives one, `mu x.` is where `x` comes back to. Or all
at once, as a global type of which the roles are the projections:
  .shape Shop = mu x. Client -> Server{get(u64). Server -> Client{val(str). x}, quit. end}

Each role of a session is played by a coroutine, which owns an endpoint. A register that holds one has a type: what is
left to be done with it. Functions declare that; each instruction is checked against it and changes it:
  .func client(c: chan(Shop, Client)) -> () { ... }
An endpoint cannot be copied or forgotten: it is used up to its end, closed, or given away. So code that verifies sends
and receives nothing out of order, and no message of another type. Whether the roles fit together, so that nobody waits
for ever, is a matter of the shape: opforge session check FILE, or opforge verify --deep FILE.

What runs a session:
  opforge session run FILE           opens a session of the shape, a coroutine for each role, and shows what happens
  opforge::session::SessionMachine   the same in Rust, with effects, limits, policies, records, snapshots

docs/SESSIONS.md says all of it. `opforge explain NAME` says more about an instruction:
";

/// The page, if that is what is asked for.
pub(super) fn explain(topic: &str) -> Option<String> {
    if !matches!(topic.to_ascii_lowercase().as_str(), "session" | "sessions") {
        return family(topic);
    }
    let mut out = PAGE.to_owned();
    for names in SESSION_FAMILY.chunks(7) {
        let line: String = names.iter().map(|(name, _)| format!("  {name:<9}")).collect();
        out += line.trim_end();
        out.push('\n');
    }
    Some(out)
}

/// A name of the family that is no name of one opcode, such as `set`.
fn family(topic: &str) -> Option<String> {
    let (name, opcodes) = SESSION_FAMILY.iter().find(|(name, _)| name.eq_ignore_ascii_case(topic))?;
    let opcodes: Vec<&str> = opcodes.iter().map(|opcode| opcode.mnemonic()).collect();
    Some(format!("{name}: a name of the session family for {}\n", opcodes.join(", ")))
}
