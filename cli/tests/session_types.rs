//! `opforge session project`, `check`, `graph`, `compile`, and what `opforge explain` says of sessions.

mod common;

use common::{folder, opforge, opforge_with, root};
use std::fs;

const TWO_BUYER: &str = "examples/sessions/two_buyer.ofa";

#[test]
fn project_prints_local_types() {
    let global = "mu x. A -> B{get(u64). B -> A{val(str). x}, quit. end}";
    let ran = opforge(&["session", "project", global]).exits(0);
    let expected = "A: mu x. !B{get(u64). ?B{val(str). x}, quit. end}\nB: mu x. ?A{get(u64). !A{val(str). x}, quit. end}\n";
    assert_eq!(ran.stdout, expected);
    let ran = opforge(&["session", "project", global, "--role", "B"]).exits(0);
    assert_eq!(format!("B: {}", ran.stdout), expected.lines().nth(1).expect("a line").to_owned() + "\n");
    // From a file, and from standard input.
    let dir = folder();
    let file = dir.path().join("global type.txt");
    fs::write(&file, format!("; a comment\n{global}\n")).expect("a file");
    assert_eq!(opforge(&["session", "project", file.to_str().expect("UTF-8")]).exits(0).stdout, expected);
    assert_eq!(opforge_with(&["session", "project", "-"], global.as_bytes()).exits(0).stdout, expected);
    assert_eq!(opforge(&["session", "project", "end"]).exits(0).stdout, "");
}

#[test]
fn project_says_why_a_role_cannot_take_part() {
    // What C hears tells it the branch, so only a full merge takes it.
    let later = "A -> B{x. B -> C{x. end}, y. B -> C{y. end}}";
    let ran = opforge(&["session", "project", later, "--role", "C"]).exits(0);
    assert_eq!(ran.stdout, "?B{x. end, y. end}\n");
    opforge(&["session", "project", later, "--merge", "plain"]).exits(2).complains("error[P03");

    let ran = opforge(&["session", "project", "A -> B{get. C -> D{a. end}, quit. C -> D{b. end}}"]).exits(2);
    ran.complains("error[P0302]: C does not see whether A -> B says get or quit");
    ran.complains("  --> <argument>:1:1\n");
    ran.complains("  = help: ");
    let ran = opforge(&["session", "project", "A -> B{get. end}", "--role", "C"]).exits(2);
    ran.complains("error[I0015]: the type has no role C; there are: A, B");
    let ran = opforge(&["session", "project", "A -> B{\n\tget(u65). end}"]).exits(2);
    ran.complains("error[P0102]: `u65` is no payload type\n  --> <argument>:2:6\n");
    ran.complains("     2 |  get(u65). end}\n       |      ^^^\n");
    opforge(&["session", "project", "A -> A{x. end}"]).exits(2).complains("error[P0205]");
    opforge(&["session", "project", "nowhere.txt"]).exits(2).complains("error[I0001]: nowhere.txt");
    opforge_with(&["session", "project", "-"], b"\xff").exits(2).complains("error[I0004]");
    let long = format!("A -> B{{{}(u65). end}}", "x".repeat(200));
    let ran = opforge(&["session", "project", &long]).exits(2);
    assert!(ran.stderr.lines().all(|line| line.len() < 240), "{}", ran.stderr);
}

#[test]
fn compile_prints_abstract_code() {
    let ran = opforge(&["session", "compile", "mu x. !S{get(u64). ?S{val(str). x}, quit. end}"]).exits(0);
    assert_eq!(ran.stdout, "0: offer r0, get\n1: receive r0, r1\n2: invoke runtime.step\n3: jump 0\n");
    let ran = opforge(&["session", "compile", "?S{a. end, b. !S{c(u64). end}}"]).exits(0);
    assert_eq!(
        ran.stdout,
        "0: choose r0, a -> 1, b -> 2\n1: halt\n2: send r0, r1\n3: invoke runtime.step\n4: halt\n"
    );
    opforge(&["session", "compile", "!S{a. x}"]).exits(2).complains("error[P0201]");
    opforge(&["session", "compile", "!S{a. "]).exits(2).complains("error[P0101]");
}

#[test]
fn check_says_how_it_knows() {
    let ran = opforge(&["session", "check", TWO_BUYER]).exits(0);
    assert_eq!(ran.stdout, "Books: coherent, its roles are the projections of its global type\n");
    let ran = opforge(&["session", "check", "--json", "examples/sessions/ping_pong.ofa"]).exits(0).json();
    assert_eq!(ran["status"], "ok");
    let shape = &ran["shapes"][0];
    assert_eq!(
        (&shape["shape"], &shape["coherent"], &shape["by"]),
        (&"Game".into(), &true.into(), &"exploration".into())
    );
    assert_eq!(shape["roles"], serde_json::json!(["Pinger", "Ponger"]));

    let wrong = ".shape Good { A: !B{x. end}, B: ?A{x. end} }\n\
        .shape Bad { A: !B{x. !B{y. end}}, B: ?A{x. ?A{z. end}} } edge A -> B capacity 4 policy drop\n";
    let ran = opforge_with(&["session", "check", "-"], wrong.as_bytes()).exits(2);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "Good: coherent, all 3 states of a session were looked at");
    assert!(
        lines[1].starts_with("Bad: not coherent: B cannot take y from A: of it is left ?A{z. end}; after: "),
        "{lines:?}"
    );
    assert_eq!(lines[2], "  edge A -> B is lossy (drop): a message that is lost may leave B waiting");
    let ran = opforge_with(&["session", "check", "-", "--json"], wrong.as_bytes()).exits(2).json();
    let bad = &ran["shapes"][1];
    assert_eq!(
        (&ran["status"], &bad["coherent"], &bad["kind"]),
        (&"error".into(), &false.into(), &"cannot_take".into())
    );
    assert_eq!(bad["trace"][0], serde_json::json!({"from": "A", "to": "B", "label": "x", "action": "sent"}));
    assert_eq!(bad["lossy"][0]["policy"], "drop");
    opforge_with(&["session", "check", "-", "--shape", "Good"], wrong.as_bytes()).exits(0);

    let ran = opforge(&["session", "check", "examples/sessions/calculator.ofa", "--states", "3"]).exits(2);
    assert!(ran.stdout.starts_with("Calculator: not known: "), "{}", ran.stdout);
    let args = ["session", "check", "examples/sessions/calculator.ofa", "--states", "3", "--json"];
    assert_eq!(opforge(&args).exits(2).json()["shapes"][0]["coherent"], serde_json::Value::Null);
    opforge_with(&["session", "check", "-"], b".func f() -> () {\n ret ()\n}\n")
        .exits(2)
        .complains("error[I0014]");
    // What does not verify is not looked at.
    let shaky = b".shape S { A: !B{x. end}, B: ?A{x. end} }\n.func f(c: chan(S, A)) -> () {\n halt\n}\n";
    opforge_with(&["session", "check", "-"], shaky).exits(2).complains("error[V12");
}

#[test]
fn graphs_have_all_states_of_all_roles() {
    let dot = opforge(&["session", "graph", TWO_BUYER]).exits(0).stdout;
    assert!(dot.starts_with("digraph roles {\n") && dot.ends_with("}\n"), "{dot}");
    assert_eq!(dot.matches("subgraph ").count(), 3);
    assert!(dot.contains("label = \"Books: Seller\";"), "{dot}");
    assert!(dot.contains("[label = \"!Seller title(str)\"];"), "{dot}");
    assert_eq!(dot.matches("doublecircle").count(), 3, "{dot}");
    assert_eq!(dot, opforge(&["session", "graph", TWO_BUYER, "--dot", "--shape", "Books"]).exits(0).stdout);

    let mermaid = opforge(&["session", "graph", TWO_BUYER, "--mermaid"]).exits(0).stdout;
    assert!(mermaid.starts_with("stateDiagram-v2\n"), "{mermaid}");
    assert_eq!(mermaid.matches("[*] --> ").count(), 3);
    assert!(mermaid.contains(" : ?Buyer2 ok(str)\n"), "{mermaid}");
    // Roles of equal types have nodes of their own.
    let twins = ".shape S { A: !B{x. end}, B: ?A{x. end}, C: !D{x. end}, D: ?C{x. end} }\n";
    let dot = opforge_with(&["session", "graph", "-"], twins.as_bytes()).exits(0).stdout;
    for role in 0..4 {
        assert!(dot.contains(&format!("s0_r{role}_")), "{dot}");
    }
    opforge(&["session", "graph", TWO_BUYER, "--shape", "x"]).exits(2).complains("error[I0014]");
}

#[test]
fn every_name_of_the_family_is_explained() {
    let page = opforge(&["explain", "sessions"]).exits(0).stdout;
    let family = opforge_tables::SESSION_FAMILY;
    assert_eq!(family.len(), 21);
    for (name, opcodes) in family {
        assert!(page.contains(&format!("  {name}")), "{name}: {page}");
        let text = opforge(&["explain", name]).exits(0).stdout;
        for opcode in opcodes {
            assert!(text.contains(opcode.mnemonic()), "{name}: {text}");
        }
    }
    for code in ["N0001", "N0015", "R0001", "H0008", "I0014", "ChannelClosed", "T024"] {
        opforge(&["explain", code]).exits(0);
    }
    assert!(opforge(&["explain"]).exits(0).stdout.contains("\nPages:\n  sessions\n"));
}

#[test]
fn help_has_examples() {
    for command in ["run", "project", "check", "graph", "compile"] {
        let help = opforge(&["session", command, "--help"]).exits(0).stdout;
        assert!(help.contains(&format!("Examples:\n  opforge session {command} ")), "{help}");
    }
    assert!(opforge(&["session", "--help"]).exits(0).stdout.contains("Examples:\n  opforge session "));
}

/// The words of a command line, with single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        match i % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Blocks of code of a page, with the word behind their fence.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text = lines
                .by_ref()
                .take_while(|line| *line != "```")
                .fold(String::new(), |all, line| all + line + "\n");
            blocks.push((kind.to_owned(), text));
        }
    }
    blocks
}

#[test]
fn the_page_shows_what_commands_print() {
    let page = fs::read_to_string(root().join("docs/SESSIONS.md")).expect("the page");
    let (mut commands, mut programs) = (0, 0);
    for (kind, text) in blocks(&page) {
        match kind.as_str() {
            "ofa" => {
                opforge_with(&["verify", "--deep", "-"], text.as_bytes()).exits(0);
                programs += 1;
            }
            "console" => {
                let (command, expected) = text.split_once('\n').expect("a command");
                let args = words(command.strip_prefix("$ opforge ").expect("a command"));
                let ran = opforge(&args);
                assert_eq!(ran.stdout + &ran.stderr, expected, "{command}");
                commands += 1;
            }
            _ => {}
        }
    }
    assert!(commands >= 5 && programs >= 2, "{commands} commands, {programs} programs");
}

#[test]
fn links_of_the_page_lead_somewhere() {
    let page = fs::read_to_string(root().join("docs/SESSIONS.md")).expect("the page");
    let headings: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        if file.is_empty() {
            assert!(headings.iter().any(|heading| heading == anchor), "{target}");
        } else {
            assert!(root().join("docs").join(file).exists(), "{target}");
        }
    }
}
