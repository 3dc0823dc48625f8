//! The blobs as statics. Every byte of them is checked in const context: a wrong size, header, code or index
//! is a compile error that names the table.

use opforge_schema::zerocopy::transmute_ref;
use opforge_schema::{
    ClassRow, FINGERPRINT_SEED, Header, IntrinsicRow, Isa, LookupRow, NameRow, OpRow, TextRow, TypeRow,
    check, fingerprint,
};

/// Embeds `blobs/<file>` as rows, its header checked. The rows are a static, so that a program holds them
/// once; a const would be copied into every crate that uses it.
macro_rules! embed {
    ($name:ident, $rows:ident, $row:ty, $file:literal) => {
        const $rows: usize =
            include_bytes!(concat!("../blobs/", $file)).len().saturating_sub(16) / size_of::<$row>();
        static $name: [$row; $rows] = {
            const BYTES: &[u8] = include_bytes!(concat!("../blobs/", $file));
            const HEAD: &[u8; 16] = match BYTES.first_chunk() {
                Some(head) => head,
                None => panic!(concat!($file, " is cut short; run `just tablegen`")),
            };
            const HEADER: &Header = transmute_ref!(HEAD);
            if let Some(problem) = check::header::<$row>(HEADER, BYTES.len()) {
                fail($file, None, problem);
            }
            const BODY: &[u8; $rows * size_of::<$row>()] = match BYTES.last_chunk() {
                Some(body) => body,
                None => panic!(concat!($file, " is cut short; run `just tablegen`")),
            };
            const TABLE: &[$row; $rows] = transmute_ref!(BODY);
            *TABLE
        };
    };
}

embed!(OPS, OPS_ROWS, OpRow, "vm.ops.bin");
embed!(NAMES, NAMES_ROWS, NameRow, "vm.names.bin");
embed!(TEXT, TEXT_ROWS, TextRow, "vm.text.bin");
embed!(LOOKUP, LOOKUP_ROWS, LookupRow, "vm.lookup.bin");
embed!(CLASSES, CLASSES_ROWS, ClassRow, "vm.classes.bin");
embed!(TYPES, TYPES_ROWS, TypeRow, "vm.types.bin");
embed!(INTRINSICS, INTRINSICS_ROWS, IntrinsicRow, "vm.intrinsics.bin");

/// The instruction set of opforge.
pub const ISA: Isa<'static> = Isa {
    ops: &OPS,
    names: &NAMES,
    text: &TEXT,
    lookup: &LOOKUP,
    classes: &CLASSES,
    types: &TYPES,
    intrinsics: &INTRINSICS,
};

/// Goes on with a fingerprint over the rows of a blob.
macro_rules! hash_rows {
    ($hash:expr, $file:literal) => {
        fingerprint($hash, include_bytes!(concat!("../blobs/", $file)).split_at(size_of::<Header>()).1)
    };
}

/// [`Isa::fingerprint`] of [`ISA`].
pub const FINGERPRINT: u64 = {
    let mut hash = FINGERPRINT_SEED;
    hash = hash_rows!(hash, "vm.ops.bin");
    hash = hash_rows!(hash, "vm.names.bin");
    hash = hash_rows!(hash, "vm.text.bin");
    hash = hash_rows!(hash, "vm.lookup.bin");
    hash = hash_rows!(hash, "vm.classes.bin");
    hash = hash_rows!(hash, "vm.types.bin");
    hash_rows!(hash, "vm.intrinsics.bin")
};

/// Stops compilation with a message that names the file and, but for headers, the row.
const fn fail(file: &str, row: Option<usize>, problem: &str) -> ! {
    let (mut text, mut len) = ([b' '; 200], 0);
    (text, len) = append(text, len, file.as_bytes());
    if let Some(row) = row {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        (text, len) = append(text, len, b" row 0x");
        let digits = [HEX[row >> 12 & 15], HEX[row >> 8 & 15], HEX[row >> 4 & 15], HEX[row & 15]];
        (text, len) = append(text, len, &digits);
    }
    (text, len) = append(text, len, b": ");
    (text, len) = append(text, len, problem.as_bytes());
    (text, len) = append(text, len, b"; run `just tablegen`");
    let text = text.split_at(len).0;
    match core::str::from_utf8(text) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("a table is wrong; run `just tablegen`"),
    }
}

const fn append(mut text: [u8; 200], mut len: usize, more: &[u8]) -> ([u8; 200], usize) {
    let mut i = 0;
    while i < more.len() && len < text.len() {
        text[len] = more[i];
        (len, i) = (len + 1, i + 1);
    }
    (text, len)
}

/// Checks every row of a table.
macro_rules! check_rows {
    ($table:ident, $file:literal, |$row:ident, $i:ident| $check:expr) => {
        const _: () = {
            let mut $i = 0;
            while $i < $table.len() {
                let $row = &$table[$i];
                if let Some(problem) = $check {
                    fail($file, Some($i), problem);
                }
                $i += 1;
            }
        };
    };
}

const _: () = {
    assert!(check::pages(OPS.len()).is_none(), "vm.ops.bin: not whole pages; run `just tablegen`");
    assert!(NAMES.len() == OPS.len(), "vm.names.bin: not one row per op; run `just tablegen`");
    assert!(TEXT.len() == OPS.len(), "vm.text.bin: not one row per op; run `just tablegen`");
};
check_rows!(OPS, "vm.ops.bin", |row, i| check::op(row, i));
check_rows!(NAMES, "vm.names.bin", |row, i| check::name(row, OPS[i].present()));
check_rows!(TEXT, "vm.text.bin", |row, i| check::text(row, &OPS[i]));
check_rows!(LOOKUP, "vm.lookup.bin", |row, i| check::lookup(
    row,
    if i == 0 { None } else { Some(&LOOKUP[i - 1]) },
    &OPS
));
check_rows!(CLASSES, "vm.classes.bin", |row, i| check::class(row, i));
check_rows!(TYPES, "vm.types.bin", |row, i| check::logical_type(row, CLASSES.len()));
check_rows!(INTRINSICS, "vm.intrinsics.bin", |row, i| check::intrinsic(
    row,
    if i == 0 { None } else { Some(&INTRINSICS[i - 1]) },
    &TYPES,
    &CLASSES
));
