use super::*;
use crate::{JitConfig, JitEngine};
use opforge_vm::asm;
use opforge_vm::verify::{VerifyConfig, verify};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

fn refused(path: &Path, why: &str) {
    let error = PerfMap::open_at(path).unwrap_err();
    assert_eq!(error.code(), "J0008");
    assert!(error.to_string().contains(why), "{error} does not say {why:?}");
}

#[test]
fn a_new_file_is_the_owners_and_an_own_file_is_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map");
    (&PerfMap::open_at(&path).unwrap().file).write_all(b"one\n").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    (&PerfMap::open_at(&path).unwrap().file).write_all(b"two\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
}

#[test]
fn what_another_may_have_put_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("map"), folder.path().join("victim"));
    fs::write(&victim, "precious").unwrap();

    symlink(&victim, &path).unwrap();
    refused(&path, "symbolic links");
    fs::remove_file(&path).unwrap();

    symlink(folder.path().join("nothing"), &path).unwrap();
    refused(&path, "symbolic links");
    assert!(!folder.path().join("nothing").exists());
    fs::remove_file(&path).unwrap();

    fs::hard_link(&victim, &path).unwrap();
    refused(&path, "it has other names");
    fs::remove_file(&path).unwrap();

    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    refused(&path, "others may write it");
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    refused(&path, "directory");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    // A device that swallows everything, of root: whoever runs this, it is no plain file.
    refused(Path::new("/dev/null"), "it is no plain file");
    refused(Path::new("/no/such/folder/map"), "No such file");
}

#[test]
fn writing_that_fails_is_told() {
    let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
    let map = PerfMap { file: full, path: PathBuf::from("/dev/full") };
    let verified =
        verify(asm::assemble(".func f() -> () {\n ret ()\n}").unwrap(), &VerifyConfig::new()).unwrap();
    let engine = JitEngine::with_perf_map(JitConfig::new(), Some(map)).unwrap();
    let error = engine.compile(&verified).unwrap_err();
    assert_eq!(error.code(), "J0008");
    assert!(error.to_string().contains("No space left"), "{error}");
}

#[test]
fn lines_name_the_code_of_functions() {
    let source =
        ".func \"a b\\nc\" (n: i64) -> (i64) {\n ret n\n}\n.func plain(n: i64) -> (i64) {\n ret n\n}";
    let verified = verify(asm::assemble(source).unwrap(), &VerifyConfig::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map");
    let map = PerfMap::open_at(&path).unwrap();
    let engine = JitEngine::with_perf_map(JitConfig::new(), Some(map)).unwrap();
    let program = engine.compile(&verified).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line[2]).collect();
    assert_eq!(names[..3], ["opforge::a_b_c[0]", "opforge::plain[1]", "opforge::refill"]);
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names[3].starts_with("opforge::enter_"), "{names:?}");
    for (i, line) in lines.iter().take(2).enumerate() {
        let code = program.machine_code(opforge_vm::ids::FuncId(i as u32));
        assert_eq!(usize::from_str_radix(line[0], 16), Ok(code.as_ptr() as usize));
        assert_eq!(usize::from_str_radix(line[1], 16), Ok(code.len()));
    }
}
