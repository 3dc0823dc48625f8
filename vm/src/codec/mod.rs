//! The operand codec: turns bytecode into flat arrays and back, driven by the tables alone.
//!
//! There is one decoder and one encoder for all opcodes. Neither knows any opcode by name.
