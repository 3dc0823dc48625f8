//! Exit codes.

use std::process::ExitCode;

/// How the process ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: the program trapped or ran out of fuel; `tables diff` found a breaking change.
    Trapped,
    /// 2: the input is bad: it cannot be read, decoded, assembled, verified or linked, arguments do not fit, or
    /// output cannot be written; there is no native code for it.
    BadInput,
    /// 3: the command line is wrong.
    Usage,
    /// 4: a defect of opforge: two engines disagree.
    Defect,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Trapped => 1,
            Self::BadInput => 2,
            Self::Usage => 3,
            Self::Defect => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
