//! Builds programs for verifier tests: code by mnemonic, functions, parameter shapes.
#![allow(dead_code, reason = "each test binary uses its part")]

#[path = "../container_support/build.rs"]
mod build;

use build::{container, empty, replace, uleb};
use opforge_vm::codec::{OperandValue, encode};
use opforge_vm::container::{DecodeConfig, decode};
use opforge_vm::{ISA, Program, ValueType};

/// An operand as a test writes it.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    N(u64),
    L(Vec<u32>),
    /// A register that may be left out.
    O(Option<u32>),
}

impl From<u32> for Arg {
    fn from(n: u32) -> Self {
        Self::N(u64::from(n))
    }
}

impl From<Option<u32>> for Arg {
    fn from(reg: Option<u32>) -> Self {
        Self::O(reg)
    }
}

impl From<&[u32]> for Arg {
    fn from(list: &[u32]) -> Self {
        Self::L(list.to_vec())
    }
}

impl<const N: usize> From<[u32; N]> for Arg {
    fn from(list: [u32; N]) -> Self {
        Self::L(list.to_vec())
    }
}

/// Code under construction, with labels by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asm(pub(crate) Vec<u8>, Vec<(String, u32)>, Vec<(usize, String)>);

impl Asm {
    /// Appends an instruction with its operands in encoding order. Gives its byte offset.
    pub(crate) fn op(&mut self, name: &str, args: &[Arg]) -> u32 {
        let at = self.0.len() as u32;
        let values: Vec<_> = args
            .iter()
            .map(|arg| match arg {
                Arg::N(n) => OperandValue::Scalar(*n),
                Arg::L(list) => OperandValue::List(list),
                Arg::O(reg) => OperandValue::Opt(*reg),
            })
            .collect();
        let didx = ISA.find(name).unwrap_or_else(|| panic!("no opcode {name}"));
        encode(&ISA, didx, &values, &mut self.0).unwrap_or_else(|error| panic!("{name}: {error}"));
        at
    }

    /// Puts a label here.
    pub(crate) fn label(&mut self, name: &str) {
        self.label_at(name, self.pc());
    }

    /// Puts a label at a byte offset.
    pub(crate) fn label_at(&mut self, name: &str, pc: u32) {
        self.1.push((name.to_owned(), pc));
    }

    /// A branch instruction: its operands without the targets, then the targets' labels.
    pub(crate) fn branch(&mut self, name: &str, args: &[Arg], labels: &[&str]) {
        let targets = labels.iter().map(|_| Arg::N(0));
        self.op(name, &args.iter().cloned().chain(targets).collect::<Vec<_>>());
        // Targets come last and take five bytes each.
        for (i, label) in labels.iter().rev().enumerate() {
            self.2.push((self.0.len() - 5 * (i + 1), (*label).to_owned()));
        }
    }

    /// The code, with all labels resolved.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        for (at, name) in self.2 {
            let (_, pc) = self.1.iter().find(|(label, _)| *label == name).expect("a label");
            for i in 0..5 {
                let more = if i < 4 { 0x80 } else { 0 };
                self.0[at + i] = (pc >> (7 * i)) as u8 & 0x7f | more;
            }
        }
        self.0
    }

    pub(crate) fn pc(&self) -> u32 {
        self.0.len() as u32
    }
}

/// Appends instructions: `asm!(code; "mov" 2, 1; "br" 1 => "a", "b"; @"a"; "ret" 0, [2];)`.
macro_rules! asm {
    ($code:expr;) => {};
    ($code:expr; @$label:literal; $($rest:tt)*) => {
        $code.label($label);
        $crate::verify_support::asm!($code; $($rest)*);
    };
    ($code:expr; $name:literal $($arg:expr),* => $($label:literal),+; $($rest:tt)*) => {
        $code.branch($name, &[$($crate::verify_support::Arg::from($arg)),*], &[$($label),+]);
        $crate::verify_support::asm!($code; $($rest)*);
    };
    ($code:expr; $name:literal $($arg:expr),*; $($rest:tt)*) => {
        $code.op($name, &[$($crate::verify_support::Arg::from($arg)),*]);
        $crate::verify_support::asm!($code; $($rest)*);
    };
}
pub(crate) use asm;

/// A function: types, number of registers, code blob.
#[derive(Clone, Debug)]
pub(crate) struct Func {
    pub(crate) params: Vec<ValueType>,
    pub(crate) results: Vec<ValueType>,
    pub(crate) regs: u32,
    pub(crate) blob: u32,
}

/// A program under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Build {
    pub(crate) functions: Vec<Func>,
    pub(crate) blobs: Vec<Vec<u8>>,
    /// Payload of the shape section without its count, and the count.
    pub(crate) shapes: (u64, Vec<u8>),
    pub(crate) structs: Vec<Vec<ValueType>>,
    pub(crate) elems: Vec<ValueType>,
    pub(crate) call_sigs: Vec<(Vec<ValueType>, Vec<ValueType>)>,
}

impl Build {
    /// Adds a function with code of its own.
    pub(crate) fn func(&mut self, params: &[ValueType], results: &[ValueType], regs: u32, code: Asm) {
        let blob = self.blobs.len() as u32;
        self.blobs.push(code.bytes());
        self.functions.push(Func { params: params.to_vec(), results: results.to_vec(), regs, blob });
    }

    /// Declares a tuple shape for a parameter.
    pub(crate) fn tuple_shape(&mut self, func: u32, param: u32, elems: &[Option<ValueType>]) {
        self.shapes.0 += 1;
        let out = &mut self.shapes.1;
        uleb(func.into(), out);
        uleb(param.into(), out);
        out.push(1);
        uleb(elems.len() as u64, out);
        for elem in elems {
            out.push(u8::from(elem.is_some()));
            out.extend(elem.map(ValueType::tag));
        }
    }

    /// The program, by way of its container.
    pub(crate) fn program(&self) -> Program {
        let list = |types: &[ValueType], out: &mut Vec<u8>| {
            uleb(types.len() as u64, out);
            out.extend(types.iter().map(|ty| ty.tag()));
        };
        let (mut table, mut sigs, mut blobs, mut types) = (vec![], vec![], vec![], vec![]);
        uleb(self.functions.len() as u64, &mut table);
        uleb(self.functions.len() as u64, &mut sigs);
        for func in &self.functions {
            for n in
                [func.params.len() as u64, func.results.len() as u64, func.regs.into(), func.blob.into(), 0]
            {
                uleb(n, &mut table);
            }
            list(&func.params, &mut sigs);
            sigs.push(0);
            list(&func.results, &mut sigs);
            sigs.push(0);
        }
        uleb(self.blobs.len() as u64, &mut blobs);
        for blob in &self.blobs {
            uleb(blob.len() as u64, &mut blobs);
            blobs.extend(blob);
        }
        let fields = self.structs.iter().map(Vec::len).sum::<usize>();
        uleb(u64::from(fields > 0), &mut types);
        types.extend((fields > 0).then_some([1, b'f']).into_iter().flatten());
        uleb(self.structs.len() as u64, &mut types);
        for fields in &self.structs {
            uleb(fields.len() as u64, &mut types);
            types.extend(fields.iter().flat_map(|ty| [0, ty.tag()]));
        }
        list(&self.elems, &mut types);
        let mut parts = empty();
        for (tag, payload) in [(3, types), (4, table), (5, blobs), (6, vec![1, 0]), (7, sigs)] {
            replace(&mut parts, tag, payload);
        }
        let mut calls = vec![];
        uleb(self.call_sigs.len() as u64, &mut calls);
        for (params, results) in &self.call_sigs {
            list(params, &mut calls);
            list(results, &mut calls);
        }
        replace(&mut parts, 10, calls);
        if self.shapes.0 > 0 {
            let mut payload = vec![];
            uleb(self.shapes.0, &mut payload);
            payload.extend(&self.shapes.1);
            replace(&mut parts, 11, payload);
        }
        decode(&container(&parts), &DecodeConfig::new()).unwrap()
    }
}
