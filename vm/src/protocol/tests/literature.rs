//! Conversations that papers use as examples, and some that cannot be held.

use super::compose::{Explored, explore};
use super::*;

/// Projects, compares with what is expected, and lets the parties talk.
fn fits(text: &str, expected: &[(&str, &str)]) {
    let ty = global(text);
    assert_eq!(ty.check(), Ok(()));
    let types = ty.project_all(MergeMode::Full).unwrap_or_else(|errors| panic!("{errors}"));
    for ((role, found), (expected_role, expected)) in types.iter().zip(expected) {
        assert_eq!((role.as_str(), found), (*expected_role, &local(expected)), "{role} = {found}");
        assert!(Automaton::new(&[found]).is_ok());
    }
    assert_eq!(types.len(), expected.len());
    for bound in [1, 2] {
        assert_eq!(explore(&types, bound, 10_000), Ok(Explored::All));
    }
}

/// Honda, Yoshida and Carbone, "Multiparty asynchronous session types" (2008).
#[test]
fn two_buyers() {
    fits(
        "Alice -> Seller{title(str). Seller -> Alice{quote(u64). Seller -> Bob{quote(u64). Alice -> Bob{share(u64).
         Bob -> Seller{ok. Bob -> Seller{address(str). Seller -> Bob{date(u64). end}}, quit. end}}}}}",
        &[
            ("Alice", "!Seller{title(str). ?Seller{quote(u64). !Bob{share(u64). end}}}"),
            (
                "Bob",
                "?Seller{quote(u64). ?Alice{share(u64). !Seller{ok. !Seller{address(str). ?Seller{date(u64). end}}, quit. \
                 end}}}",
            ),
            (
                "Seller",
                "?Alice{title(str). !Alice{quote(u64). !Bob{quote(u64). ?Bob{ok. ?Bob{address(str). !Bob{date(u64). end}}, \
                 quit. end}}}}",
            ),
        ],
    );
}

#[test]
fn three_party_ring() {
    fits(
        "mu t. A -> B{ab(u64). B -> C{bc(u64). C -> A{ca(u64). t}}}",
        &[
            ("A", "mu t. !B{ab(u64). ?C{ca(u64). t}}"),
            ("B", "mu t. ?A{ab(u64). !C{bc(u64). t}}"),
            ("C", "mu t. ?B{bc(u64). !A{ca(u64). t}}"),
        ],
    );
}

#[test]
fn calculator_with_choice() {
    fits(
        "mu t. C -> S{add(tuple(i64, i64)). S -> C{sum(i64). t}, div(tuple(i64, i64)). S -> C{quotient(i64). t, zero. t}, \
         quit. end}",
        &[
            (
                "C",
                "mu t. !S{add(tuple(i64, i64)). ?S{sum(i64). t}, div(tuple(i64, i64)). ?S{quotient(i64). t, zero. t}, quit. \
                 end}",
            ),
            (
                "S",
                "mu t. ?C{add(tuple(i64, i64)). !C{sum(i64). t}, div(tuple(i64, i64)). !C{quotient(i64). t, zero. t}, quit. \
                 end}",
            ),
        ],
    );
}

/// Two sources and a kernel for a sink, as in the examples of multiparty session C.
#[test]
fn streaming() {
    fits(
        "mu t. Data -> Kernel{block(bytes). Key -> Kernel{block(bytes). Kernel -> Sink{block(bytes). t}}}",
        &[
            ("Data", "mu t. !Kernel{block(bytes). t}"),
            ("Kernel", "mu t. ?Data{block(bytes). ?Key{block(bytes). !Sink{block(bytes). t}}}"),
            ("Key", "mu t. !Kernel{block(bytes). t}"),
            ("Sink", "mu t. ?Kernel{block(bytes). t}"),
        ],
    );
}

/// Scalas and Yoshida, "Less is more" (2019), figure 4: the full merge is needed for the authenticator.
#[test]
fn oauth() {
    fits(
        "Service -> Client{login. Client -> Auth{passwd(str). Auth -> Service{auth(bool). end}}, \
         cancel. Client -> Auth{quit. end}}",
        &[
            ("Auth", "?Client{passwd(str). !Service{auth(bool). end}, quit. end}"),
            ("Client", "?Service{login. !Auth{passwd(str). end}, cancel. !Auth{quit. end}}"),
            ("Service", "!Client{login. ?Auth{auth(bool). end}, cancel. end}"),
        ],
    );
}

/// The same, where the authenticator may ask for another try, of which the service tells the client.
#[test]
fn oauth_with_retries() {
    fits(
        "mu t. Service -> Client{login. Client -> Auth{passwd(str). Auth -> Service{
           ok. Service -> Client{welcome. end}, again. Service -> Client{again. t}}}, cancel. Client -> Auth{quit. end}}",
        &[
            ("Auth", "mu t. ?Client{passwd(str). !Service{ok. end, again. t}, quit. end}"),
            (
                "Client",
                "mu t. ?Service{login. !Auth{passwd(str). ?Service{welcome. end, again. t}}, cancel. !Auth{quit. end}}",
            ),
            ("Service", "mu t. !Client{login. ?Auth{ok. !Client{welcome. end}, again. !Client{again. t}}, cancel. end}"),
        ],
    );
    // Without its word, the client does not know whether to go on.
    let silent =
        "mu t. Service -> Client{login. Client -> Auth{passwd(str). Auth -> Service{ok. end, again. t}}}";
    assert_eq!(conflict(silent, "Client"), "P0304");
}

/// The types of the case `compile_nested_recursion_A` and of its partner.
#[test]
fn nested_loops() {
    fits(
        "mu t. A -> B{outer. mu s. B -> A{inner. s, exit. t}, done. end}",
        &[
            ("A", "mu t. !B{outer. mu s. ?B{inner. s, exit. t}, done. end}"),
            ("B", "mu t. ?A{outer. mu s. !A{inner. s, exit. t}, done. end}"),
        ],
    );
}

fn conflict(text: &str, role: &str) -> String {
    let errors = global(text).project(role, MergeMode::Full).expect_err("no projection");
    errors.errors()[0].code().into()
}

#[test]
fn conversations_that_cannot_be_held() {
    // One that is not told whether to speak.
    assert_eq!(conflict("A -> B{l. C -> A{m. end}, r. end}", "C"), "P0301");
    // One that hears of the choice from different roles.
    assert_eq!(conflict("A -> B{l. A -> C{m. end}, r. B -> C{m. end}}", "C"), "P0301");
    // One that would have to choose as another did.
    assert_eq!(conflict("A -> B{l. C -> D{m. end}, r. C -> D{n. end}}", "C"), "P0302");
    // One that sends in one branch and receives in the other.
    assert_eq!(conflict("A -> B{l. C -> B{m. end}, r. B -> C{m. end}}", "C"), "P0301");
    // One that is not told when the loop ends.
    assert_eq!(conflict("mu x. A -> B{more. B -> C{m. x}, stop. end}", "C"), "P0301");
    assert_eq!(conflict("mu x. A -> C{s. A -> B{l. x, m. end}}", "C"), "P0304");
}
