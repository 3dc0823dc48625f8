//! `ARCHITECTURE.md` says which crate may use which, in which order the modules of `vm/` stand, and which files hold
//! `unsafe` code. This reads all three from there and compares them with what is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace root")
}

fn page() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

/// Output of a cargo command that must not touch the network or the lock file.
fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(args)
        .args(["--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?}:\n{errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// One row of the table of crates.
#[derive(Debug)]
struct Row {
    folder: String,
    /// What the crate may depend on, and whether only behind a feature that is off by default.
    may_use: BTreeMap<String, Need>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Always,
    Optional,
}

/// What stands between backticks in a table cell.
fn code(cell: &str) -> &str {
    cell.trim().trim_matches('`')
}

/// The rows of the table of crates, by package.
fn rows(page: &str) -> BTreeMap<String, Row> {
    let table = page.lines().skip_while(|line| !line.starts_with("| folder | package | may use |"));
    let rows: BTreeMap<_, _> = table.skip(2).map_while(row).collect();
    assert!(rows.len() > 5, "the table of crates was not found in ARCHITECTURE.md");
    rows
}

/// One line of the table of crates; `None` below its end.
fn row(line: &str) -> Option<(String, Row)> {
    let cells: Vec<&str> = line.strip_prefix('|')?.split('|').collect();
    let [folder, package, may_use, ..] = cells.as_slice() else { panic!("row of too few cells: {line}") };
    let entries = may_use.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let may_use = entries.map(|entry| match entry.strip_suffix("(optional)") {
        Some(name) => (code(name).to_owned(), Need::Optional),
        None => (code(entry).to_owned(), Need::Always),
    });
    let folder = code(folder).trim_end_matches('/').to_owned();
    Some((code(package).to_owned(), Row { folder, may_use: may_use.collect() }))
}

#[test]
fn crates_depend_only_as_the_table_says() {
    let rows = rows(&page());
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().expect("name");
        let Some(row) = rows.get(name) else {
            wrong.push(format!("{name} has no row"));
            continue;
        };
        seen.insert(name.to_owned());
        let manifest = PathBuf::from(package["manifest_path"].as_str().expect("manifest_path"));
        let folder = if row.folder == "." { root().to_owned() } else { root().join(&row.folder) };
        if manifest.parent() != Some(folder.as_path()) {
            wrong.push(format!("{name} stands in {}, not in {}", manifest.display(), row.folder));
        }
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            // Tests may use what they like; what is shipped may not.
            if dependency["kind"] == "dev" {
                continue;
            }
            let uses = dependency["name"].as_str().expect("name");
            match row.may_use.get(uses) {
                None => wrong.push(format!("{name} -> {uses} is not in the table")),
                Some(Need::Optional) if dependency["optional"] != true => {
                    wrong.push(format!("{name} -> {uses} must be optional"));
                }
                Some(_) => {}
            }
        }
    }
    wrong.extend(
        rows.keys().filter(|name| !seen.contains(*name)).map(|name| format!("{name} is not a member")),
    );
    assert!(wrong.is_empty(), "ARCHITECTURE.md, table of crates:\n{}", wrong.join("\n"));
}

#[test]
fn the_core_stays_small_and_without_bincode() {
    let tree = cargo(&["tree", "-p", "opforge-vm", "-e", "normal,build", "--prefix", "none", "-f", "{p}"]);
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let own = |name: &&&str| name.starts_with("opforge");
    let own_crates: BTreeSet<&&str> = crates.iter().filter(own).collect();
    assert_eq!(own_crates.len(), 4, "{own_crates:?}");
    let others: BTreeSet<&&str> = crates.iter().filter(|name| !own(name)).collect();
    assert!(others.len() <= 7, "opforge-vm brings {} crates: {others:?}", others.len());
    assert!(!crates.contains("bincode"), "bincode is for tools only");
}

/// Rust files below `at`, without entries called `skip` (less an extension), hidden ones and build output.
fn sources(at: &Path, skip: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(at).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        if stem == skip || stem.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if stem != "target" {
                sources(&path, skip, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that source text names through `crate::`, in braces too, each with its line number.
fn named_modules(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = lines.join("\n");
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let number = code[..at].matches('\n').count() + 1;
        match rest.strip_prefix('{') {
            None => found.push((number, identifier(rest).to_owned())),
            Some(group) => found.extend(group_heads(group).map(|head| (number, head.to_owned()))),
        }
    }
    found
}

/// The identifier that text starts with.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first identifier of each path of a `use` group whose opening brace was just read.
fn group_heads(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 1_usize;
    let end = group.find(|c: char| {
        depth = if c == '{' { depth + 1 } else { depth - usize::from(c == '}') };
        depth == 0
    });
    let mut depth = 0_i32;
    let paths = group[..end.unwrap_or(group.len())].split(move |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    paths.map(|path| identifier(path.trim_start()))
}

#[test]
fn modules_of_the_vm_point_one_way() {
    let page = page();
    let order = page.split_once("```modules\n").expect("the order of modules").1;
    let order = order.split_once("\n```").expect("its end").0;
    let place: BTreeMap<&str, usize> = order
        .split_whitespace()
        .zip(0..)
        .flat_map(|(group, at)| group.split('+').map(move |m| (m, at)))
        .collect();

    let source = root().join("vm/src");
    let mut files = Vec::new();
    sources(&source, "tests", &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let inner = file.strip_prefix(&source).expect("below vm/src");
        let module = inner.components().next().and_then(|first| Path::new(first.as_os_str()).file_stem());
        let module = module.and_then(|name| name.to_str()).expect("a name");
        if module == "lib" {
            continue;
        }
        let Some(own) = place.get(module) else {
            wrong.push(format!("module {module} has no place in the order"));
            continue;
        };
        let text = fs::read_to_string(file).expect("a source file");
        for (number, name) in named_modules(&text) {
            if place.get(name.as_str()).is_some_and(|place| place > own) {
                wrong.push(format!("{}:{number}: {module} -> {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, order of modules:\n{}", wrong.join("\n"));
}

#[test]
fn core_crates_say_no_std() {
    for package in ["schema", "tables", "vm"] {
        let mut files = Vec::new();
        sources(&root().join(package).join("src"), "tests", &mut files);
        for file in files {
            let text = fs::read_to_string(&file).expect("a source file");
            let is_root = file.ends_with("src/lib.rs");
            assert!(!is_root || text.lines().any(|line| line == "#![no_std]"), "{}", file.display());
            let lines: Vec<&str> = text.lines().collect();
            for (number, line) in lines.iter().enumerate() {
                // The feature is off unless an engine for native code asks for it; `no_std.rs` links without.
                const ALLOWED: [&str; 2] = ["#[cfg(test)]", "#[cfg(any(test, feature = \"std\"))]"];
                let allowed = number > 0 && ALLOWED.contains(&lines[number - 1].trim());
                let brings_std = line.trim().starts_with("extern crate std");
                assert!(!brings_std || allowed, "{}:{}: std outside of tests", file.display(), number + 1);
            }
        }
    }
}

/// Whether a line of code opens something unsafe. Comments, lint names and strings that only say the word do not.
fn is_unsafe(line: &str) -> bool {
    const FORMS: [&str; 6] = [
        concat!("unsafe", " {"),
        concat!("unsafe", " fn"),
        concat!("unsafe", " impl"),
        concat!("unsafe", " extern"),
        concat!("unsafe", " trait"),
        concat!("#[", "unsafe("),
    ];
    let code = line.split("//").next().unwrap_or_default();
    FORMS.iter().any(|form| code.contains(form))
}

#[test]
fn unsafe_code_stands_only_where_listed() {
    let page = page();
    let table = page.lines().skip_while(|line| !line.starts_with("| file | what for | why it is sound |"));
    let cells = table.skip(2).map_while(|line| line.strip_prefix('|')?.split('|').next());
    let listed: BTreeSet<&str> = cells.flat_map(|cell| cell.split(',').map(code)).collect();
    assert!(!listed.is_empty(), "the table of unsafe code was not found in ARCHITECTURE.md");

    let mut files = Vec::new();
    sources(root(), "", &mut files);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let path = file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        let Some(number) = text.lines().position(is_unsafe) else { continue };
        // An entry that ends with a slash stands for all files of a folder.
        match listed.iter().find(|entry| path == **entry || entry.ends_with('/') && path.starts_with(**entry))
        {
            Some(entry) => _ = seen.insert(*entry),
            None => wrong.push(format!("{path}:{} is not in the list", number + 1)),
        }
    }
    wrong.extend(listed.difference(&seen).map(|entry| format!("{entry} has no unsafe code")));
    assert!(wrong.is_empty(), "ARCHITECTURE.md, table of unsafe code:\n{}", wrong.join("\n"));
}

/// The scan of modules sees what it is for.
#[test]
fn module_scan_reads_paths_and_groups() {
    let text =
        "use crate::a::{b, c};\nuse crate::{d, e::{f, g},\n    h};\n// crate::i\nlet x = crate::j::k();";
    let expected = [(1, "a"), (2, "d"), (2, "e"), (2, "h"), (5, "j")];
    assert_eq!(named_modules(text), expected.map(|(line, name)| (line, name.to_owned())));
}

/// Words of a source file, in lower case.
fn words(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).expect("a source file").to_lowercase();
    let split = text.split(|c: char| !c.is_ascii_alphanumeric());
    split.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn intrinsics_and_the_host_do_not_name_each_other() {
    let files = |folder: &str| {
        let mut found = Vec::new();
        sources(&root().join(folder), "tests", &mut found);
        assert!(!found.is_empty(), "{folder} has no sources");
        found
    };
    let mut wrong = Vec::new();
    let mut never = |folder: &str, forbidden: &[&str]| {
        for file in files(folder) {
            let found = words(&file);
            for stem in forbidden {
                if found.iter().any(|word| word.starts_with(stem)) {
                    wrong.push(format!("{} says {stem}", file.display()));
                }
            }
        }
    };
    never("vm/src/intrinsics", &["host", "linker", "import", "capabilit", "syscall", "caller"]);
    never("vm/src/extensions", &["host", "linker", "import", "capabilit", "syscall", "caller"]);
    never("math/src", &["host", "linker", "capabilit"]);
    never("vm/src/host", &["intrinsic", "extension"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
