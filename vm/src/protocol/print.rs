//! Types as text, on one line.

use alloc::vec;
use core::fmt;

use super::Payload;
use super::tree::{Cell, Edge, Tree};

/// What is still to be written.
enum Item<'a> {
    Node(usize),
    Edge(&'a Edge),
    Text(&'static str),
}

impl<A: fmt::Display> fmt::Display for Tree<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = vec![Item::Node(self.root)];
        while let Some(item) = items.pop() {
            match item {
                Item::Text(text) => f.write_str(text)?,
                Item::Edge(edge) => {
                    write!(f, "{}. ", Head(edge))?;
                    items.push(Item::Node(edge.next));
                }
                Item::Node(id) => match self.cell(id) {
                    Cell::End => f.write_str("end")?,
                    Cell::Var(var) => write!(f, "{var}")?,
                    Cell::Mu { var, body } => {
                        write!(f, "mu {var}. ")?;
                        items.push(Item::Node(*body));
                    }
                    Cell::Act { act, .. } => {
                        write!(f, "{act}{{")?;
                        items.push(Item::Text("}"));
                        for (i, edge) in self.edges(id).iter().enumerate().rev() {
                            items.push(Item::Edge(edge));
                            if i > 0 {
                                items.push(Item::Text(", "));
                            }
                        }
                    }
                },
            }
        }
        Ok(())
    }
}

/// A label with its payload.
struct Head<'a>(&'a Edge);

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Edge { label, payload, .. } = self.0;
        if *payload == Payload::UNIT { write!(f, "{label}") } else { write!(f, "{label}({payload})") }
    }
}

/// As the text that [`core::str::FromStr`] reads.
impl<A: fmt::Display> fmt::Debug for Tree<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
