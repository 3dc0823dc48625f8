//! Section 132, states of local types: a count, then a kind each: 0 the end, and nothing behind it; 1 send and 2
//! receive, then the partner's role, a count, and branches of label, payload and next state each.

use crate::container::encode_error::{EncodeErrorKind, EntryError};
use crate::container::error::{DecodeErrorKind, TagKind};
use crate::container::reader::{Reader, Result};
use crate::container::sink::{Measure, Sink};
use crate::container::writer::Writer;
use crate::program::Program;
use crate::protocol::{LabelId, PayloadId, RoleId, State, StateBranch, StateId, StateKind};

/// The least bytes of a state: the kind of the end.
const MIN_STATE: usize = 1;
/// The least bytes of a branch: label, payload, state.
const MIN_BRANCH: usize = 3;

const END: u8 = 0;
const SEND: u8 = 1;
const RECV: u8 = 2;

pub(in crate::container) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let (mut states, mut branches) = (Measure::default(), Measure::default());
    walk(&mut r.clone(), &mut states, &mut branches)?;
    let sessions = &mut program.sessions;
    r.reserve(sessions.states.try_reserve_exact(states.items))?;
    r.reserve(sessions.branches.try_reserve_exact(branches.items))?;
    walk(r, &mut sessions.states, &mut sessions.branches)
}

fn walk(
    r: &mut Reader<'_>,
    states: &mut impl Sink<State>,
    branches: &mut impl Sink<StateBranch>,
) -> Result<()> {
    let mut first = 0u32;
    for _ in 0..r.count(MIN_STATE)? {
        let start = r.offset();
        let kind = match r.u8()? {
            END => StateKind::End,
            SEND => StateKind::Send(RoleId(r.uleb16()?)),
            RECV => StateKind::Recv(RoleId(r.uleb16()?)),
            found => return Err(r.error(start, DecodeErrorKind::BadTag { what: TagKind::State, found })),
        };
        let len = if kind == StateKind::End { 0 } else { r.count16(MIN_BRANCH)? };
        states.push(State { kind, first, len });
        for _ in 0..len {
            branches.push(StateBranch {
                label: LabelId(r.uleb16()?),
                payload: PayloadId(r.uleb16()?),
                next: StateId(r.uleb32()?),
            });
        }
        // The limit on the container's size keeps the sum below 2^32.
        first = first.checked_add(len.into()).ok_or_else(|| r.out_of_memory())?;
    }
    Ok(())
}

pub(in crate::container) fn is_present(program: &Program) -> bool {
    !program.sessions.states.is_empty() || !program.sessions.branches.is_empty()
}

pub(in crate::container) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let sessions = &program.sessions;
    w.count(sessions.states.len());
    let mut branches = sessions.branches.as_slice();
    let mut first = 0u32;
    for (i, state) in sessions.states.iter().enumerate() {
        // The reader puts the branches of one state behind those of another, and gives none to an end.
        let own = branches.split_at_checked(state.len.into()).filter(|_| state.first == first);
        let (own, rest) = own.ok_or(EncodeErrorKind::ListLayout.at(i))?;
        (branches, first) = (rest, first.saturating_add(state.len.into()));
        match (state.kind, own) {
            (StateKind::End, []) => {
                w.u8(END);
                continue;
            }
            (StateKind::End, _) => return Err(EncodeErrorKind::ListLayout.at(i)),
            (StateKind::Send(role), _) => {
                w.u8(SEND);
                w.uleb16(role.0);
            }
            (StateKind::Recv(role), _) => {
                w.u8(RECV);
                w.uleb16(role.0);
            }
        }
        w.count(own.len());
        for branch in own {
            w.uleb16(branch.label.0);
            w.uleb16(branch.payload.0);
            w.uleb32(branch.next.0);
        }
    }
    if branches.is_empty() { Ok(()) } else { Err(EncodeErrorKind::ListLayout.at(sessions.states.len())) }
}
