//! Words: what the interpreter executes.
//!
//! A word is 16 bytes: an operation, a small field and three 32-bit fields. Words of all functions stand in one
//! array. The operations of direct instructions, their immediate forms and their compare-and-branch forms come
//! from the tables (`with_direct_ops!`); the rest is listed here.

use opforge_tables::{Opcode, with_direct_ops};

/// One word. What the fields mean is said at [`WordOp`]; slots count from the frame's first slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
pub(crate) struct Word {
    pub(crate) op: WordOp,
    pub(crate) x: u16,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) c: u32,
}

const _: () = assert!(size_of::<Word>() == 16);

impl Word {
    pub(crate) const fn new(op: WordOp, x: u16, a: u32, b: u32, c: u32) -> Self {
        Self { op, x, a, b, c }
    }
}

/// Words of a direct opcode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpWords {
    /// The plain form.
    pub(crate) plain: WordOp,
    /// The form whose right operand is an immediate.
    pub(crate) imm: Option<WordOp>,
    /// The form that branches instead of storing a truth value.
    pub(crate) branch: Option<WordOp>,
    /// The same with an immediate right operand.
    pub(crate) branch_imm: Option<WordOp>,
}

macro_rules! define_words {
    (
        { $($(#[$meta:meta])* $special:ident,)* }
        direct { $(($op:ident $form:ident $family:ident $sem:ident))* }
        imm { $(($iop:ident $imm:ident $ifamily:ident $isem:ident))* }
        branch { $(($bop:ident $br:ident $bri:ident $bfamily:ident $bsem:ident))* }
        branch_f { $(($fop:ident $fbr:ident $ffamily:ident $fsem:ident))* }
        load { $(($lop:ident $lfamily:ident $lsem:ident))* }
        store { $(($sop:ident $sfamily:ident $ssem:ident))* }
        memory { $($memory:tt)* }
    ) => {
        /// The operation of a word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum WordOp {
            $($(#[$meta])* $special,)*
            $($op,)*
            $($imm,)*
            $($br, $bri,)*
            $($fbr,)*
            $($lop,)*
            $($sop,)*
        }

        impl WordOp {
            /// The number of operations.
            #[cfg(opforge_threaded)]
            pub(crate) const COUNT: usize = [
                $(WordOp::$special,)*
                $(WordOp::$op,)*
                $(WordOp::$imm,)*
                $(WordOp::$br, WordOp::$bri,)*
                $(WordOp::$fbr,)*
                $(WordOp::$lop,)*
                $(WordOp::$sop,)*
            ]
            .len();

            /// The word of a load or store; `None` for other opcodes. Of a load, `a` is the destination, `b` the slot of
            /// the address, `c` the offset, `x` the memory; of a store, `a` is the slot of the address and `b` that of
            /// the value.
            pub(crate) fn of_access(op: Opcode) -> Option<Self> {
                match op {
                    $(Opcode::$lop => Some(WordOp::$lop),)*
                    $(Opcode::$sop => Some(WordOp::$sop),)*
                    _ => None,
                }
            }

            /// Whether the word is a branch: a two-way one, not a jump.
            pub(crate) const fn is_branch(self) -> bool {
                match self {
                    WordOp::BrIf | WordOp::BrMaskZero => true,
                    $(WordOp::$br | WordOp::$bri => true,)*
                    $(WordOp::$fbr => true,)*
                    _ => false,
                }
            }
        }

        /// How many opcodes the table below has room for.
        const OPCODES: usize = {
            let mut count = 0;
            $(
                if Opcode::$op.didx() as usize >= count {
                    count = Opcode::$op.didx() as usize + 1;
                }
            )*
            count
        };

        /// By opcode: its words, if it is lowered directly.
        static WORDS: [Option<OpWords>; OPCODES] = {
            let mut words = [None; OPCODES];
            $(
                words[Opcode::$op.didx() as usize] =
                    Some(OpWords { plain: WordOp::$op, imm: None, branch: None, branch_imm: None });
            )*
            $(
                if let Some(words) = &mut words[Opcode::$iop.didx() as usize] {
                    words.imm = Some(WordOp::$imm);
                }
            )*
            $(
                if let Some(words) = &mut words[Opcode::$bop.didx() as usize] {
                    (words.branch, words.branch_imm) = (Some(WordOp::$br), Some(WordOp::$bri));
                }
            )*
            $(
                if let Some(words) = &mut words[Opcode::$fop.didx() as usize] {
                    words.branch = Some(WordOp::$fbr);
                }
            )*
            words
        };

        impl OpWords {
            /// The words of a direct opcode; `None` for opcodes that are lowered otherwise.
            #[inline]
            pub(crate) fn of(op: Opcode) -> Option<Self> {
                WORDS.get(op.didx() as usize).copied().flatten()
            }
        }
    };
}

with_direct_ops!(define_words {
    /// Never executed: the word before the first function, where entry frames "return" to.
    Halt,
    /// Belongs to the word before it: `a` is the destination again, `b` the third operand.
    Ext,
    /// Start of a segment: `a` is its fuel; `x` is 1 if a branch goes here.
    Fuel,
    /// Does nothing: bounds how many words of a long segment run without the loop.
    Pause,
    /// `a` = slot `b`.
    Move1,
    /// `a`, `a + 1` = slots `b`, `b + 1`.
    Move2,
    /// `a` = slot `b` if slot `c` holds true, else the slot in `b` of the next word.
    Select1,
    /// The same for two slots.
    Select2,
    /// `a` = `c:b`.
    Const,
    /// `a`, `a + 1` = `c:b`, `x`.
    ConstDecimal,
    /// Traps with code `a`.
    Trap,
    /// Goes `c` bytes on, for `x` fuel: behind the `Fuel` word of the segment there, which is in `x`; to that word itself if
    /// `x` is 0.
    Jump,
    /// The same if slot `a` holds true, else as far as `b` of the `Ext` word behind it says, for that one's `x`.
    ///
    /// As every branch: with `c` in the `Ext` word it stands for a jump back to a loop head, so many bytes on, that is
    /// nothing but this branch; what that costs is in both `x`. First of all, `a` of the `Ext` word is added to slot `a` of
    /// the branch: the step of the loop, 0 for none.
    BrIf,
    /// The same if slot `a` and immediate `b` have no bit in common.
    BrMaskZero,
    /// Goes to a word of the pool from `c` on: to that with the number in slot `a`, at most `b`.
    BranchTable,
    /// Does session instruction `b` of function `a`, which costs `x`; the words that a `choose` leads to are at `c` of the pool.
    Session,
    /// Calls function `a` with a frame `b` slots on; lists at `c` of the pool: counts, arguments, results.
    Call,
    /// Calls function `a`, whose frame has `x` slots, with a frame `b` slots on; one argument from slot `c`. Of the `Ext`
    /// word, `a` and `x` lead to the function as a jump does, `b` and `c` are the linkage: the word to return to, which is
    /// the next one, and the slot of the one result.
    Call1,
    /// Calls the function in slot `a` with a frame `b` slots on; `x` is 1 for a closure; pool at `c`:
    /// signature, counts, arguments, results.
    CallIndirect,
    /// Calls function `a` with this frame; `b` argument slots at `c` of the pool.
    TailCall,
    /// Calls the function in slot `a` with this frame; `x` is 1 for a closure; pool at `c`: signature and `b` argument
    /// slots.
    TailCallIndirect,
    /// Calls import `a`; pool at `c`: counts, arguments, results.
    HostCall,
    /// Calls import `a` with slot `b`; one result to slot `c`.
    HostCall1,
    /// Executes intrinsic `a`; pool at `c`: counts, arguments, results. `x` says how fuel goes by size, for argument
    /// slots.
    Intrinsic,
    /// Executes opcode `b` over memories; result in slot `a`; pool at `c`: three ids, how many results and operands,
    /// operand slots. `x` says how fuel goes by size.
    Memory,
    /// Executes the embedder's function `a`, with immediate `b`; pool and `x` as for `Intrinsic`.
    Extension,
    /// Returns `b` slots; their numbers are at `c` of the pool.
    Return,
    /// Returns slot `a`.
    Return1,
    /// `a`, `a + 1` = slots `b`, `c`.
    ClosureNew,
    /// `a` = new node of type `b`; pool at `c`: element count, slot count, slots.
    AggNew,
    /// `a` = element of node in slot `b`; pool at `c`: index, shape, element type, width.
    AggGetImm,
    /// The same with the index in a slot.
    AggGet,
    /// `a` = element count of the node in slot `b`; `c` is the kind.
    AggLen,
});
