//! Whether an aggregate that a host hands in is a tuple as a message declares it: code that receives it was verified for
//! that.

use super::plan::Plan;
use crate::heap::Heap;
use crate::program::PayloadDef;
use crate::protocol::PayloadId;
use crate::types::Type;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Whether the aggregate of this handle is what the payload says. Everything that is no tuple has been looked at already.
pub(super) fn fits(plan: &Plan, heap: &Heap, payload: PayloadId, handle: u64) -> bool {
    // Parts may be there more than once, any number of levels deep: each is looked at once.
    let mut seen = BTreeSet::new();
    let mut open = Vec::from([(payload, handle)]);
    while let Some((payload, handle)) = open.pop() {
        let Some(PayloadDef::Tuple(parts)) = plan.tables.payload(payload) else { continue };
        if !seen.insert((payload, handle)) {
            continue;
        }
        let Some(node) = heap.node(handle) else { return false };
        let Type::Tuple(types) = heap.types().get(node.ty) else { return false };
        if types.len() != parts.len() {
            return false;
        }
        for (index, &part) in (0..).zip(parts) {
            let Some((ty, at)) = heap.types().element(node.ty, index) else { return false };
            if heap.types().class(ty) != plan.tables.payload_class(part) {
                return false;
            }
            open.push((part, node.slots.get(at as usize).copied().unwrap_or(u64::MAX)));
        }
    }
    true
}
