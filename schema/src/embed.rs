//! Tables as statics of the crate that embeds them, checked while it compiles.

/// Makes an [`Isa`](crate::Isa) of the bytes of seven tables, in the order of [`Blobs`](crate::Blobs). Each is an
/// expression that is constant, such as `include_bytes!("vm.ops.bin")`. What is wrong with a header or a row is a compile
/// error; what only shows across rows (ids and names that are there twice) is found by
/// [`Isa::check`](crate::Isa::check). Generated files use it.
#[macro_export]
macro_rules! embed_isa {
    (
        $ops:expr, $names:expr, $text:expr, $lookup:expr, $classes:expr, $types:expr, $intrinsics:expr $(,)?
    ) => {{
        const ISA: $crate::Isa<'static> = $crate::Isa {
            ops: $crate::embed_rows!($crate::OpRow, $ops),
            names: $crate::embed_rows!($crate::NameRow, $names),
            text: $crate::embed_rows!($crate::TextRow, $text),
            lookup: $crate::embed_rows!($crate::LookupRow, $lookup),
            classes: $crate::embed_rows!($crate::ClassRow, $classes),
            types: $crate::embed_rows!($crate::TypeRow, $types),
            intrinsics: $crate::embed_rows!($crate::IntrinsicRow, $intrinsics),
        };
        const _: () = if let Some(problem) = $crate::check::rows(&ISA) {
            panic!("{}", problem);
        };
        ISA
    }};
}

/// The rows of one table as a static: see [`embed_isa!`](crate::embed_isa).
#[doc(hidden)]
#[macro_export]
macro_rules! embed_rows {
    ($row:ty, $bytes:expr) => {{
        const BYTES: &[u8] = $bytes;
        const ROWS: usize = BYTES.len().saturating_sub(16) / size_of::<$row>();
        static TABLE: [$row; ROWS] = {
            const HEAD: &[u8; 16] = match BYTES.first_chunk() {
                Some(head) => head,
                None => panic!("a table is cut short"),
            };
            const HEADER: &$crate::Header = $crate::zerocopy::transmute_ref!(HEAD);
            if let Some(problem) = $crate::check::header::<$row>(HEADER, BYTES.len()) {
                panic!("{}", problem);
            }
            const BODY: &[u8; ROWS * size_of::<$row>()] = match BYTES.last_chunk() {
                Some(body) => body,
                None => panic!("a table is cut short"),
            };
            const ROWS_OF: &[$row; ROWS] = $crate::zerocopy::transmute_ref!(BODY);
            *ROWS_OF
        };
        &TABLE
    }};
}
