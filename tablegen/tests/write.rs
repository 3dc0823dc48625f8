//! Writing files, and the digest that guards them.

use opforge_tablegen::sha256;
use opforge_tablegen::write::{Outcome, file};

#[test]
fn a_file_is_written_once_whole_and_readable() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("deep/er/table.bin");
    assert_eq!(file(&path, b"one").expect("written"), Outcome::Written);
    assert_eq!(file(&path, b"one").expect("compared"), Outcome::Same);
    assert_eq!(file(&path, b"two").expect("written"), Outcome::Written);
    assert_eq!(std::fs::read(&path).expect("read"), b"two");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "temporary files are private, committed ones are not");
    }
    let left: Vec<_> = std::fs::read_dir(path.parent().expect("a folder")).expect("listed").collect();
    assert_eq!(left.len(), 1, "no temporary file is left over");
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let taken = dir.path().join("table.bin");
    std::fs::create_dir(&taken).expect("a folder in the way");
    std::fs::write(taken.join("inside"), b"old").expect("a file");
    assert!(file(&taken, b"new").is_err());
    assert_eq!(std::fs::read(taken.join("inside")).expect("read"), b"old");
    assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 1, "no temporary file is left over");
}

#[test]
fn sha256_is_that_of_fips_180_4() {
    let cases: [(&[u8], &str); 3] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ];
    for (data, digest) in cases {
        assert_eq!(sha256::hex(data), digest);
    }
    let million = vec![b'a'; 1_000_000];
    assert_eq!(sha256::hex(&million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
