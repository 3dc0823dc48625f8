//! Diagrams against committed ones. `OPFORGE_BLESS=1` writes them anew; look at them before committing.

use super::*;

/// A trace in which everything that a diagram shows happens.
fn story() -> Vec<Stamped> {
    let offered = |index, from, to, label| Event::Offered { session: session(index), from, to, label };
    let chose = |index, from, to, label| Event::Chose { session: session(index), from, to, label };
    let endpoint = session(0).endpoint(CLIENT);
    trace([
        (0, opened(0, 0)),
        (0, opened(1, 1)),
        (0, Event::Spawned { parent: None, child: coro(0), func: FuncId(0) }),
        (0, Event::Spawned { parent: None, child: coro(1), func: FuncId(1) }),
        (1, sent(0, CLIENT, SERVER, GET)),
        (1, offered(0, CLIENT, SERVER, GET)),
        (2, sent(1, 0, 1, VAL)),
        (3, sent(1, 0, 1, VAL)),
        (4, received(0, CLIENT, SERVER, GET)),
        (4, chose(0, CLIENT, SERVER, GET)),
        (5, Event::Acquired { coro: coro(1), layer: LayerId(0) }),
        (6, Event::Invoked { coro: coro(1), effect: EffectId(0) }),
        (7, Event::Released { coro: coro(1), layer: LayerId(0) }),
        (8, sent(0, SERVER, CLIENT, VAL)),
        (9, Event::Forked { coro: coro(0), ghost: 3 }),
        (10, Event::Aborted { coro: coro(0) }),
        (11, received(0, SERVER, CLIENT, VAL)),
        (12, received(1, 0, 1, VAL)),
        (13, Event::Spawned { parent: Some(coro(0)), child: coro(2), func: FuncId(0) }),
        (14, Event::Transferred { endpoint, from: coro(0), to: coro(2), bundle_hash: 0 }),
        (15, Event::Woken { coro: coro(2) }),
        (16, received(0, SERVER, CLIENT, END)),
        (17, sent(0, CLIENT, SERVER, ODD)),
        (18, Event::Tagged { coro: coro(2), endpoint, fact: "a <fact> & \"more\"".into() }),
        (19, Event::Closed { session: session(0) }),
        (19, Event::Terminal { session: session(0), how: Ending::Closed }),
        (19, Event::Epoch { session: session(0), epoch: 1 }),
        (20, halted(2)),
        (21, Event::Failed { coro: coro(1), trap: TrapCode::DivByZero }),
        (21, Event::Terminal { session: session(1), how: Ending::Faulted }),
    ])
}

/// The story as a diagram's text.
fn drawn(draw: impl Fn(&[Stamped], &Names<'_>) -> String) -> String {
    let (program, story) = (program(), story());
    draw(&story, &Names::of(&program, &story))
}

#[track_caller]
fn golden(name: &str, text: &str) {
    let path = std::format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("OPFORGE_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, committed, "{name} is another one; OPFORGE_BLESS=1 writes it anew");
}

#[test]
fn mermaid_is_the_committed_one() {
    golden("session_story.mmd", &drawn(|story, names| Diagram::new().mermaid(story, names)));
    let messages = Diagram::new().detail(Detail::Messages);
    golden("session_messages.mmd", &drawn(|story, names| messages.mermaid(story, names)));
}

#[test]
fn svg_is_the_committed_one() {
    golden("session_story.svg", &drawn(|story, names| Diagram::new().svg(story, names)));
    let cut = Diagram::new().detail(Detail::Messages).max_rows(8);
    golden("session_cut.svg", &drawn(|story, names| cut.svg(story, names)));
}

#[test]
fn what_is_left_out_is_counted() {
    for max_rows in 0..40 {
        let diagram = Diagram::new().max_rows(max_rows);
        let mermaid = drawn(|story, names| diagram.mermaid(story, names));
        let svg = drawn(|story, names| diagram.svg(story, names));
        let is_cut = mermaid.contains(" more\n");
        assert_eq!(is_cut, svg.contains(" more</text>"), "{max_rows}");
        assert_eq!(is_cut, max_rows < 25, "{max_rows}");
        assert!(svg.matches("<g>").count() <= max_rows);
    }
    let none = Diagram::new().mermaid(&[], &Names::none());
    assert_eq!(none, "sequenceDiagram\n    participant p0 as run\n");
    assert!(Diagram::new().svg(&[], &Names::none()).ends_with("</svg>\n"));
}

/// Whatever the events are, every number and every text has its place: nothing panics, and SVG stays well formed.
#[test]
fn any_events_can_be_drawn() {
    let mut random = 1u64;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) as usize % limit
    };
    let program = program();
    let (story, each) = (story(), one_of_each());
    for _ in 0..500 {
        let pick = |stamped: &[Stamped], at: usize| stamped[at % stamped.len()].clone();
        let events: Vec<Stamped> = (0..next(40))
            .map(|_| if next(3) == 0 { pick(&each, next(100)) } else { pick(&story, next(100)) })
            .collect();
        let diagram = Diagram::new().max_rows(next(30));
        let names = if next(2) == 0 { Names::of(&program, &events) } else { Names::none() };
        let svg = diagram.svg(&events, &names);
        well_formed(&svg);
        let mermaid = diagram.mermaid(&events, &names);
        for line in mermaid.lines().skip(1) {
            assert!(line.starts_with("    p") || line.starts_with("    Note over p"), "{line}");
        }
    }
}

/// Tags close in order, and texts hold no bare angle bracket or ampersand.
fn well_formed(svg: &str) {
    let mut open = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known)), "{text}");
        }
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
