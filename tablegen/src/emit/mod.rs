//! From the checked spec to files, one emitter per artefact. Emitters only make text and bytes; writing is
//! the business of [`write`](crate::write). Output depends on the spec alone: no time, path or locale.

pub mod bytes;
pub mod docs;
pub mod example;
pub mod intrinsics;
pub mod literals;
pub mod op_page;
pub mod overlay;
pub mod pages;
pub mod rust;
pub mod session;
