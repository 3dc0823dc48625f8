//! What translation knows of a function before it begins: where control goes, which slots are live, which slots
//! are constants.

use crate::slots::{SlotSet, SlotTypes};
use crate::translate::may_leave;
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::{ExecFunction, ExecInstr, Segment, Slot, Ways};

/// Facts about one function. Everything by segment is in the order of the function's segments.
#[derive(Debug)]
pub(crate) struct Analysis {
    /// Where control can go from the end of a segment in native code; empty where it cannot get to the segment.
    pub(crate) successors: Vec<Vec<usize>>,
    /// The same if the interpreter goes on where native code ends, in functions that have such places.
    goes_on: Option<Vec<Vec<usize>>>,
    /// How many ways lead to a segment from the ends of reachable ones.
    pub(crate) predecessors: Vec<u32>,
    pub(crate) reachable: Vec<bool>,
    /// Slots whose values are needed where a segment starts.
    pub(crate) live_in: Vec<SlotSet>,
    /// The innermost loop around a segment: its first and last segment.
    loops: Vec<Option<(usize, usize)>>,
    /// The heads of loops: segments that control goes back to. In order, without the first segment, where the function
    /// starts anyway.
    pub(crate) heads: Vec<usize>,
    /// Segments that are short tests.
    short_tests: Vec<bool>,
    /// By slot: the value of one that is written exactly once, by a constant.
    pub(crate) constants: Vec<Option<u64>>,
}

impl Analysis {
    pub(crate) fn of(function: &ExecFunction, types: &SlotTypes) -> Self {
        let count = function.segments.len();
        let mut analysis = Self {
            successors: vec![Vec::new(); count],
            goes_on: has_sessions(function)
                .then(|| (0..count).map(|index| ways_on(function, index)).collect()),
            predecessors: vec![0; count],
            reachable: vec![false; count],
            live_in: Vec::new(),
            loops: Vec::new(),
            heads: Vec::new(),
            short_tests: (0..count).map(|index| is_short_test(function, index)).collect(),
            constants: constants(function, types),
        };
        analysis.explore(function);
        analysis.live(function, types);
        analysis.find_loops();
        analysis
    }

    /// Takes for a loop what stands between a segment and a later one that leads back to it. Generated code has its
    /// loops in one piece; where a program has not, only the order of the code suffers.
    fn find_loops(&mut self) {
        let mut loops: Vec<(usize, usize)> = Vec::new();
        for (from, successors) in self.successors.iter().enumerate() {
            loops.extend(successors.iter().filter(|&&to| to <= from).map(|&to| (to, from)));
        }
        // By their heads, outer ones first.
        loops.sort_unstable_by_key(|&(head, last)| (head, std::cmp::Reverse(last)));
        self.heads = loops.iter().map(|&(head, _)| head).filter(|&head| head > 0).collect();
        self.heads.dedup();
        let mut begins = loops.into_iter().peekable();
        let mut open: Vec<(usize, usize)> = Vec::new();
        for index in 0..self.successors.len() {
            while let Some(new) = begins.next_if(|&(head, _)| head == index) {
                open.push(new);
            }
            while open.last().is_some_and(|&(_, last)| last < index) {
                open.pop();
            }
            self.loops.push(open.last().copied());
        }
    }

    /// Whether the way from one segment to another leads out of the innermost loop around the first.
    pub(crate) fn leaves_loop(&self, from: usize, to: usize) -> bool {
        let innermost = self.loops.get(from).copied().flatten();
        innermost.is_some_and(|(head, last)| to < head || to > last)
    }

    /// Whether a segment that leads back to another one only repeats that one's code instead: it is the short test of
    /// a loop.
    pub(crate) fn repeats_head(&self, from: usize, to: usize) -> bool {
        let only = self.successors.get(from).is_some_and(|successors| successors.len() == 1);
        only && to <= from && self.short_tests.get(to) == Some(&true)
    }

    /// How many edges lead to each segment in code, repeated heads and entries counted.
    pub(crate) fn edges(&self) -> Vec<u32> {
        let mut edges = self.predecessors.clone();
        for &head in &self.heads {
            edges[head] += 1;
        }
        for (from, successors) in self.successors.iter().enumerate() {
            let repeated = successors.iter().filter(|&&to| self.repeats_head(from, to));
            for &to in repeated.filter_map(|&head| self.successors.get(head)).flatten() {
                if let Some(count) = edges.get_mut(to) {
                    *count += 1;
                }
            }
        }
        edges
    }

    /// The segment that starts at an instruction.
    pub(crate) fn segment_at(function: &ExecFunction, at: InstrIx) -> Option<usize> {
        function.segments.binary_search_by_key(&at, |segment| segment.start).ok()
    }

    fn explore(&mut self, function: &ExecFunction) {
        let mut work = vec![0];
        while let Some(index) = work.pop() {
            match self.reachable.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let successors = successors(function, index);
            for &to in &successors {
                if let Some(count) = self.predecessors.get_mut(to) {
                    *count += 1;
                }
            }
            work.extend(&successors);
            if let Some(entry) = self.successors.get_mut(index) {
                *entry = successors;
            }
        }
    }

    /// Where control can go from the end of a segment, in native code or not.
    fn leads_to(&self) -> &[Vec<usize>] {
        self.goes_on.as_ref().unwrap_or(&self.successors)
    }

    /// The slots needed behind the end of a segment.
    pub(crate) fn live_out(&self, segment: usize, types: &SlotTypes) -> SlotSet {
        let mut live = SlotSet::new(types.len());
        for &to in self.leads_to().get(segment).into_iter().flatten() {
            if let Some(there) = self.live_in.get(to) {
                live.extend(there);
            }
        }
        live
    }

    /// Solves liveness backwards. Constants are never live: their values are known everywhere. What the interpreter
    /// needs when native code has ended is live there.
    fn live(&mut self, function: &ExecFunction, types: &SlotTypes) {
        let empty = SlotSet::new(types.len());
        self.live_in = vec![empty; function.segments.len()];
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); function.segments.len()];
        for (from, successors) in self.leads_to().iter().enumerate() {
            for &to in successors {
                if let Some(list) = before.get_mut(to) {
                    list.push(from);
                }
            }
        }
        let mut queued = self.reachable.clone();
        if self.goes_on.is_some() {
            queued.fill(true);
        }
        let mut work: Vec<usize> = (0..function.segments.len()).filter(|&i| queued[i]).collect();
        while let Some(index) = work.pop() {
            queued[index] = false;
            let mut live = self.live_out(index, types);
            let Some(&segment) = function.segments.get(index) else { continue };
            for at in instrs(segment).rev() {
                step_back(function, types, &self.constants, at, &mut live);
            }
            if self.live_in[index] != live {
                self.live_in[index] = live;
                for &from in &before[index] {
                    if !queued[from] {
                        queued[from] = true;
                        work.push(from);
                    }
                }
            }
        }
    }
}

/// The instructions of a segment.
pub(crate) fn instrs(segment: Segment) -> impl DoubleEndedIterator<Item = InstrIx> {
    (segment.start.0..segment.end.0).map(InstrIx)
}

/// Turns the slots live behind an instruction into those live before it.
pub(crate) fn step_back(
    function: &ExecFunction,
    types: &SlotTypes,
    constants: &[Option<u64>],
    at: InstrIx,
    live: &mut SlotSet,
) {
    let Some(instr) = function.instrs.get(at.index()) else { return };
    // Of several places to go, each writes what is its own.
    let writes_some = matches!(instr, ExecInstr::Session { targets, .. } if targets.len > 1);
    if !writes_some {
        instr.for_each_write(function, |slot| types.value_at(slot).for_each(|s| live.remove(s)));
    }
    instr.for_each_read(function, |slot| {
        for s in types.value_at(slot) {
            if constants.get(s as usize).copied().flatten().is_none() {
                live.insert(s);
            }
        }
    });
}

/// Whether native code ends somewhere in the function for the interpreter to go on.
fn has_sessions(function: &ExecFunction) -> bool {
    !function.sites.is_empty()
}

/// The last instruction of a segment.
fn last(function: &ExecFunction, index: usize) -> Option<&ExecInstr> {
    let end = function.segments.get(index)?.end;
    function.instrs.get(end.0.checked_sub(1)? as usize)
}

/// Where control can go in native code, which ends at session instructions.
fn successors(function: &ExecFunction, index: usize) -> Vec<usize> {
    match last(function, index) {
        Some(ExecInstr::Session { .. }) => Vec::new(),
        _ => ways_on(function, index),
    }
}

/// Where control can go.
fn ways_on(function: &ExecFunction, index: usize) -> Vec<usize> {
    let segment_at = |at: &InstrIx| Analysis::segment_at(function, *at);
    match last(function, index).map_or(Ways::To(&[]), |last| last.ways(function)) {
        Ways::On => vec![index + 1],
        Ways::Either(then, other) => [then, other].iter().filter_map(segment_at).collect(),
        Ways::To(targets) => {
            // A table may be long and name few places: one edge to each.
            let mut segments: Vec<usize> = targets.iter().filter_map(segment_at).collect();
            segments.sort_unstable();
            segments.dedup();
            segments
        }
    }
}

/// Whether a segment is a few instructions that never leave, and a branch.
fn is_short_test(function: &ExecFunction, index: usize) -> bool {
    const MOST: usize = 8;
    let range = function.segments.get(index).map(|s| s.start.index()..s.end.index());
    let instrs = range.and_then(|range| function.instrs.get(range)).unwrap_or(&[]);
    let Some((ExecInstr::Branch { .. }, rest)) = instrs.split_last() else { return false };
    rest.len() < MOST && !rest.iter().any(may_leave)
}

/// Slots that are written once in the whole function, by a constant, and so hold it wherever they are read: the
/// verifier proves that they are written before.
fn constants(function: &ExecFunction, types: &SlotTypes) -> Vec<Option<u64>> {
    let mut writes = vec![0u32; types.len()];
    let mut constants = vec![None; types.len()];
    let mut bump = |slot: Slot| {
        if let Some(count) = writes.get_mut(slot as usize) {
            *count = count.saturating_add(1);
        }
    };
    (0..function.param_slots).for_each(&mut bump);
    for instr in &function.instrs {
        instr.for_each_write(function, |slot| types.value_at(slot).for_each(&mut bump));
        match *instr {
            ExecInstr::Const { dst, value } => set(&mut constants, dst, value),
            ExecInstr::ConstDecimal { dst, scale, mantissa } => {
                set(&mut constants, dst, mantissa as u64);
                set(&mut constants, dst + 1, scale.into());
            }
            _ => {}
        }
    }
    for (constant, &count) in constants.iter_mut().zip(&writes) {
        if count != 1 {
            *constant = None;
        }
    }
    constants
}

fn set(constants: &mut [Option<u64>], slot: Slot, value: u64) {
    if let Some(constant) = constants.get_mut(slot as usize) {
        *constant = Some(value);
    }
}
