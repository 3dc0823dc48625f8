use super::*;
use crate::session::json::JsonLines;
use opforge_tables::SESSION_EVENTS;
use serde_json::Value as Json;

fn lines(names: &Names<'_>) -> Vec<String> {
    one_of_each().iter().map(|stamped| stamped.display(names).to_string()).collect()
}

#[test]
fn every_kind_is_a_line_with_names() {
    let program = program();
    let events = one_of_each();
    let mut names = Names::of(&program, &events);
    names.coroutine(coro(2), FuncId(0));
    let bundle = bundle_hash(Some(b"a"));
    let expected = [
        "0: #7.1 opened Shop (Client, Server)".to_string(),
        "1: #7.1 Client -> Server get".to_string(),
        "2: #7.1 Server <- Client get".to_string(),
        "3: #7.1 Client -> Server offered quit".to_string(),
        "4: #7.1 Server <- Client chose quit".to_string(),
        "5: #7.1 closed".to_string(),
        "6: #7.1 ended: faulted".to_string(),
        "7: #7.1 epoch 1".to_string(),
        "8: coroutine 2 (buyer) halted".to_string(),
        "9: coroutine 2 (buyer) invoked log".to_string(),
        "10: coroutine 2 (buyer) acquired auth".to_string(),
        "11: coroutine 2 (buyer) released auth".to_string(),
        std::format!(
            "12: coroutine 2 (buyer) gave #7.1 Client to coroutine 3 (use 5), with bundle {bundle:016x}"
        ),
        "13: coroutine 2 (buyer) forked, ghost 18446744073709551615".to_string(),
        "14: coroutine 2 (buyer) joined".to_string(),
        "15: coroutine 2 (buyer) aborted".to_string(),
        "16: coroutine 2 (buyer) tagged #7.1 Client with \"secret\"".to_string(),
        "17: coroutine 2 (buyer) checked #7.1 Client for Server: refused".to_string(),
        "18: coroutine 2 (buyer) failed: T006 DivByZero".to_string(),
        "19: coroutine 2 (buyer) spawned coroutine 5, seller".to_string(),
        "20: coroutine 2 (buyer) woken".to_string(),
    ];
    assert_eq!(lines(&names), expected);
    let host = Event::Spawned { parent: None, child: coro(0), func: FuncId(0) };
    assert_eq!(host.display(&names).to_string(), "the host spawned coroutine 0, buyer");
}

#[test]
fn without_names_there_are_numbers() {
    let lines = lines(&Names::none());
    assert_eq!(lines[0], "0: #7.1 opened shape 0");
    assert_eq!(lines[1], "1: #7.1 role 0 -> role 1 label 0");
    assert_eq!(lines[9], "9: coroutine 2 invoked effect 0");
    assert_eq!(lines[11], "11: coroutine 2 released layer 0");
    assert_eq!(lines[19], "19: coroutine 2 spawned coroutine 5, func 1");
}

#[test]
fn numbers_that_name_nothing_stay_numbers() {
    let program = program();
    let mut names = Names::new(&program);
    assert_eq!(sent(0, 0, 1, LabelId(9)).display(&names).to_string(), "#0 role 0 -> role 1 label 9");
    names.session(session(0), ShapeId(0));
    assert_eq!(sent(0, 0, 9, GET).display(&names).to_string(), "#0 Client -> role 9 get");
    names.session(session(0), ShapeId(99));
    assert_eq!(sent(0, 0, 1, GET).display(&names).to_string(), "#0 role 0 -> role 1 get");
    assert_eq!(opened(0, 99).display(&names).to_string(), "#0 opened shape 99");
}

#[test]
fn odd_names_are_shown_in_quotes() {
    let program = program();
    let names = Names::of(&program, &trace([(0, opened(0, 0))]));
    let line = sent(0, 0, 1, ODD).display(&names).to_string();
    assert_eq!(line, r##"#0 Client -> Server "<odd>; #1 \"\u{202e}\"""##);
}

#[test]
fn a_shape_of_many_roles_is_listed_in_part() {
    let mut program = program();
    program.sessions.shape_roles = [ShapeRole { role: RoleId(0), entry: StateId(0) }; 200].to_vec();
    program.sessions.shapes[0].role_count = 200;
    let names = Names::new(&program);
    let line = opened(0, 0).display(&names).to_string();
    assert_eq!(line, std::format!("#0 opened Shop ({}, 192 more)", ["Client"; 8].join(", ")));
}

#[test]
fn the_json_schema_is_stable() {
    let program = program();
    let events = one_of_each();
    let names = Names::of(&program, &events);
    let text = JsonLines { events: &events, names: &names }.to_string();
    let bundle = std::format!("{:016x}", bundle_hash(Some(b"a")));
    let session = r#""session":7,"session_generation":1"#;
    let expected = [
        std::format!(r#"{{"tick":0,"event":"opened",{session},"shape":"Shop","roles":["Client","Server"]}}"#),
        std::format!(r#"{{"tick":1,"event":"sent",{session},"from":"Client","to":"Server","label":"get"}}"#),
        std::format!(
            r#"{{"tick":2,"event":"received",{session},"from":"Client","to":"Server","label":"get"}}"#
        ),
        std::format!(
            r#"{{"tick":3,"event":"offered",{session},"from":"Client","to":"Server","label":"quit"}}"#
        ),
        std::format!(
            r#"{{"tick":4,"event":"chose",{session},"from":"Client","to":"Server","label":"quit"}}"#
        ),
        std::format!(r#"{{"tick":5,"event":"closed",{session}}}"#),
        std::format!(r#"{{"tick":6,"event":"terminal",{session},"how":"faulted"}}"#),
        std::format!(r#"{{"tick":7,"event":"epoch",{session},"epoch":1}}"#),
        r#"{"tick":8,"event":"halted","coro":2}"#.to_string(),
        r#"{"tick":9,"event":"invoked","coro":2,"effect":"log"}"#.to_string(),
        r#"{"tick":10,"event":"acquired","coro":2,"layer":"auth"}"#.to_string(),
        r#"{"tick":11,"event":"released","coro":2,"layer":"auth"}"#.to_string(),
        std::format!(
            r#"{{"tick":12,"event":"transferred",{session},"role":"Client","from":2,"to":3,"to_generation":4,"bundle_hash":"{bundle}"}}"#
        ),
        r#"{"tick":13,"event":"forked","coro":2,"ghost":18446744073709551615}"#.to_string(),
        r#"{"tick":14,"event":"joined","coro":2}"#.to_string(),
        r#"{"tick":15,"event":"aborted","coro":2}"#.to_string(),
        std::format!(r#"{{"tick":16,"event":"tagged","coro":2,{session},"role":"Client","fact":"secret"}}"#),
        std::format!(
            r#"{{"tick":17,"event":"checked","coro":2,{session},"role":"Client","target":"Server","permitted":false}}"#
        ),
        r#"{"tick":18,"event":"failed","coro":2,"trap":"DivByZero","code":6}"#.to_string(),
        r#"{"tick":19,"event":"spawned","parent":2,"child":5,"func":"seller"}"#.to_string(),
        r#"{"tick":20,"event":"woken","coro":2}"#.to_string(),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    for (line, stamped) in text.lines().zip(&events) {
        let json: Json = serde_json::from_str(line).unwrap();
        assert_eq!(json["event"], stamped.event.kind().name());
    }
}

/// The events of the spec are these, with these fields.
#[test]
fn the_spec_lists_the_same_events() {
    let program = program();
    let events = one_of_each();
    let names = Names::of(&program, &events);
    assert_eq!(SESSION_EVENTS.len(), EventKind::ALL.len());
    for (stamped, (name, fields)) in events.iter().zip(SESSION_EVENTS) {
        assert_eq!(stamped.event.kind().name(), name);
        let line = stamped.json(&names).to_string();
        let keys = line.trim_matches(['{', '}']).split(",\"").filter_map(|field| field.split_once("\":"));
        let keys = keys.map(|(key, _)| key.trim_matches('"'));
        let keys: Vec<&str> =
            keys.filter(|key| !["tick", "event"].contains(key) && !key.ends_with("_generation")).collect();
        assert_eq!(keys, fields, "{name}");
    }
}

#[test]
fn json_texts_are_what_they_were() {
    let program = program();
    let fact = "quote \" back \\ line \n tab \t cr \r nul \0 rtl \u{202e} private \u{f0000} é 🦀";
    let event = Event::Tagged { coro: coro(0), endpoint: session(0).endpoint(0), fact: fact.into() };
    let stamped = Stamped { tick: u64::MAX, event };
    let names = Names::new(&program);
    let line = stamped.json(&names).to_string();
    assert!(line.chars().all(|c| !crate::text::is_hidden(c)), "{line}");
    let json: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(json["fact"], fact);
    assert_eq!(json["tick"], u64::MAX);
    // Without a shape the role is a number.
    assert_eq!(json["role"], 0);
    let odd = Stamped { tick: 0, event: sent(0, 0, 1, ODD) };
    let json: Json = serde_json::from_str(&odd.json(&names).to_string()).unwrap();
    assert_eq!(json["label"], "<odd>; #1 \"\u{202e}\"");
}

#[test]
fn kinds_have_their_codes_and_levels() {
    for (code, (stamped, &kind)) in one_of_each().iter().zip(EventKind::ALL).enumerate() {
        assert_eq!(stamped.event.kind(), kind);
        assert_eq!(kind as usize, code);
        let scheduling = matches!(kind, EventKind::Spawned | EventKind::Woken);
        assert_eq!(kind.level() == Observe::Trace, scheduling, "{kind:?}");
    }
    assert_eq!(EventKind::ALL.len(), one_of_each().len());
}
