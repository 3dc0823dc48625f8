//! The coarsest partition of states that no label tells apart.
//!
//! Hopcroft's "process the smaller half" for automata that lack some transitions, with the two partitions (of states
//! and of transitions) of Valmari and Lehtinen, "Efficient Minimization of DFAs with Partial Transition Functions"
//! (2008): time proportional to `m log n` for `m` transitions and `n` states, however long the chains are.
//!
//! Indices here come from [`refine`]'s caller, who numbers states and transitions without gaps; text and containers
//! cannot reach them.

use alloc::vec;
use alloc::vec::Vec;

/// A transition: from a state, with a label, to a state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transition {
    pub(super) tail: usize,
    pub(super) label: usize,
    pub(super) head: usize,
}

/// Elements `0..n` in disjoint sets; each set is a range of `elements`, with its marked elements first.
#[derive(Debug)]
struct Partition {
    elements: Vec<usize>,
    /// Where each element stands in `elements`.
    place: Vec<usize>,
    /// The set of each element.
    set: Vec<usize>,
    first: Vec<usize>,
    past: Vec<usize>,
    marked: Vec<usize>,
    /// The sets with marked elements.
    touched: Vec<usize>,
}

impl Partition {
    /// The sets of elements with the same class; classes are below `classes`, and none is empty.
    fn of_classes(class: Vec<usize>, classes: usize) -> Self {
        let mut past = vec![0; classes];
        for &c in &class {
            past[c] += 1;
        }
        let mut sum = 0;
        for slot in &mut past {
            sum += *slot;
            *slot = sum;
        }
        let mut first = past.clone();
        let (mut elements, mut place) = (vec![0; class.len()], vec![0; class.len()]);
        for (element, &c) in class.iter().enumerate().rev() {
            first[c] -= 1;
            elements[first[c]] = element;
            place[element] = first[c];
        }
        Self { elements, place, set: class, first, past, marked: vec![0; classes], touched: Vec::new() }
    }

    fn sets(&self) -> usize {
        self.first.len()
    }

    fn mark(&mut self, element: usize) {
        let set = self.set[element];
        let (from, to) = (self.place[element], self.first[set] + self.marked[set]);
        if from < to {
            return;
        }
        let other = self.elements[to];
        self.elements.swap(from, to);
        self.place[element] = to;
        self.place[other] = from;
        if self.marked[set] == 0 {
            self.touched.push(set);
        }
        self.marked[set] += 1;
    }

    /// Splits each touched set into its marked and its other elements; the smaller part is a new set.
    fn split(&mut self) {
        while let Some(set) = self.touched.pop() {
            let (first, past, marked) = (self.first[set], self.past[set], self.marked[set]);
            let middle = first + marked;
            self.marked[set] = 0;
            if middle == past {
                continue;
            }
            let new = self.sets();
            let (from, to) = if marked <= past - middle { (first, middle) } else { (middle, past) };
            if from == first {
                self.first[set] = middle;
            } else {
                self.past[set] = middle;
            }
            self.first.push(from);
            self.past.push(to);
            self.marked.push(0);
            for &element in &self.elements[from..to] {
                self.set[element] = new;
            }
        }
    }
}

/// The class of each state, below the number of classes. `class` gives the classes to begin with, below `classes` and
/// none of them empty; states of one of them have transitions with the same labels, at most one with each. Labels are
/// below `labels`, and each is that of a transition.
pub(super) fn refine(
    class: Vec<usize>,
    classes: usize,
    transitions: &[Transition],
    labels: usize,
) -> (Vec<usize>, usize) {
    let states = class.len();
    let mut blocks = Partition::of_classes(class, classes);
    let mut cords = Partition::of_classes(transitions.iter().map(|t| t.label).collect(), labels);

    // The transitions into each state: `into[start[s]..start[s + 1]]`.
    let mut start = vec![0; states + 1];
    for transition in transitions {
        start[transition.head] += 1;
    }
    let mut sum = 0;
    for slot in &mut start {
        sum += *slot;
        *slot = sum;
    }
    let mut into = vec![0; transitions.len()];
    for (i, transition) in transitions.iter().enumerate() {
        start[transition.head] -= 1;
        into[start[transition.head]] = i;
    }

    // The transitions into block 0 are what is left when those into the others have been split off.
    let (mut block, mut cord) = (1, 0);
    while cord < cords.sets() {
        for i in cords.first[cord]..cords.past[cord] {
            blocks.mark(transitions[cords.elements[i]].tail);
        }
        blocks.split();
        cord += 1;
        while block < blocks.sets() {
            for i in blocks.first[block]..blocks.past[block] {
                let state = blocks.elements[i];
                for &transition in &into[start[state]..start[state + 1]] {
                    cords.mark(transition);
                }
            }
            cords.split();
            block += 1;
        }
    }
    let count = blocks.sets();
    (blocks.set, count)
}
