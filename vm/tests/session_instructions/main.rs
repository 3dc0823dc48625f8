//! Each instruction of the session family: what it does where it can be done, and that a fault leaves everything as it
//! was.

#[path = "../session_support/mod.rs"]
mod session_support;

mod communication;
mod control;
mod effects;
mod knowledge;
mod messages_with_care;
mod sessions;
mod speculation;

use opforge_tables::SESSION_FAMILY;

/// A test by its name.
type Test = (&'static str, fn());

macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), $module::$name as fn()),)*]
    };
}

/// By name of the family: tests of what it does, and tests of how it fails.
const COVERED: &[(&str, &[Test], &[Test])] = &[
    (
        "send",
        tests![
            communication::send_and_receive_carry_a_value,
            communication::send_waits_for_room_and_costs_nothing_meanwhile,
            communication::every_class_of_values_travels,
            communication::aggregates_and_closures_travel,
            messages_with_care::endpoints_travel,
            messages_with_care::a_waiting_sender_asks_the_handler_once,
        ],
        tests![
            communication::send_to_a_full_edge_goes_by_its_policy,
            communication::send_and_receive_on_a_closed_session_trap,
            communication::send_and_receive_check_the_state_of_the_endpoint,
            communication::send_needs_the_ownership,
            communication::send_stays_within_the_memory_limit,
            messages_with_care::endpoints_travel_only_as_they_are_declared,
            messages_with_care::endpoints_that_are_lost_end_their_session,
            messages_with_care::handlers_decide_about_messages,
            communication::communication_needs_a_machine,
        ],
    ),
    (
        "receive",
        tests![communication::send_and_receive_carry_a_value, communication::every_class_of_values_travels],
        tests![
            communication::receive_and_choose_take_only_what_fits,
            communication::send_and_receive_on_a_closed_session_trap,
            messages_with_care::handlers_decide_about_messages,
        ],
    ),
    (
        "offer",
        tests![communication::offer_and_choose_agree_on_the_label],
        tests![
            communication::send_and_receive_check_the_state_of_the_endpoint,
            communication::send_to_a_full_edge_goes_by_its_policy,
        ],
    ),
    (
        "choose",
        tests![
            communication::offer_and_choose_agree_on_the_label,
            communication::choose_goes_where_its_table_says,
        ],
        tests![
            communication::receive_and_choose_take_only_what_fits,
            communication::send_and_receive_check_the_state_of_the_endpoint,
        ],
    ),
    (
        "open",
        tests![sessions::open_gives_one_end_a_role, sessions::open_can_go_on_for_ever],
        tests![sessions::open_stops_at_the_limit, sessions::open_stays_within_the_memory_limit],
    ),
    (
        "close",
        tests![
            sessions::close_ends_the_session_for_all,
            sessions::close_is_felt_by_the_other_party,
            sessions::close_takes_along_what_is_on_its_way,
        ],
        tests![sessions::close_of_what_is_not_ones_own_traps, sessions::close_after_the_end_traps],
    ),
    (
        "invoke",
        tests![effects::invoke_asks_the_host, effects::invoke_waits_for_the_host],
        tests![effects::invoke_that_fails_writes_nothing, effects::invoke_results_count_as_memory],
    ),
    (
        "acquire",
        tests![
            effects::acquire_and_release_are_mutual_exclusion,
            effects::acquire_counts_places,
            effects::acquire_waits_for_the_host,
            effects::acquired_layers_are_given_back_by_a_trap,
        ],
        tests![effects::acquire_faults_leave_the_layer_alone],
    ),
    (
        "release",
        tests![
            effects::acquire_and_release_are_mutual_exclusion,
            effects::release_moves_evidence_to_whom_it_is_given,
        ],
        tests![effects::release_needs_the_evidence],
    ),
    (
        "fork",
        tests![speculation::fork_goes_into_itself, speculation::fork_lets_harmless_effects_in],
        tests![
            speculation::fork_stops_at_the_limit,
            speculation::fork_stays_within_the_memory_limit,
            speculation::fork_keeps_out_what_cannot_be_undone,
            speculation::fork_keeps_out_endpoints_in_messages,
            speculation::fork_keeps_no_more_events_than_memory_allows,
        ],
    ),
    (
        "join",
        tests![
            speculation::join_lets_it_all_happen_at_one_tick,
            speculation::join_waits_for_room,
            speculation::fork_goes_into_itself,
            speculation::join_does_without_what_was_over_when_it_came_in,
        ],
        tests![
            speculation::join_and_abort_need_a_speculation,
            speculation::join_needs_the_sessions_to_go_on,
            speculation::join_waits_for_room,
        ],
    ),
    (
        "abort",
        tests![
            speculation::abort_puts_everything_back,
            speculation::abort_gives_messages_back,
            speculation::abort_undoes_what_was_done_with_an_endpoint_that_came_in,
        ],
        tests![
            speculation::join_and_abort_need_a_speculation,
            speculation::a_trap_in_a_speculation_undoes_it,
        ],
    ),
    (
        "transfer",
        tests![
            knowledge::transfer_gives_an_endpoint_to_who_waits_for_it,
            knowledge::transfer_takes_facts_along,
            knowledge::transfer_wakes_who_gets_it,
        ],
        tests![
            knowledge::transfer_faults_move_nothing,
            knowledge::transfer_is_once_and_to_somebody_else,
            knowledge::transfer_knows_who_is_gone,
        ],
    ),
    (
        "tag",
        tests![knowledge::tag_and_check_go_by_knowledge, knowledge::tagged_facts_are_charged_where_they_are],
        tests![knowledge::tag_and_check_faults_note_nothing],
    ),
    (
        "check",
        tests![knowledge::tag_and_check_go_by_knowledge],
        tests![knowledge::tag_and_check_faults_note_nothing],
    ),
    ("set", tests![control::set_writes_constants], tests![control::set_makes_nothing_linear]),
    (
        "move",
        tests![control::move_moves_endpoints_and_copies_values],
        tests![control::move_makes_no_second_endpoint],
    ),
    ("jump", tests![control::jump_goes_on_elsewhere], tests![control::jump_leads_nowhere_else]),
    (
        "spawn",
        tests![control::spawn_begins_behind_all_that_are_ready],
        tests![control::spawn_stops_at_the_limit, control::spawn_refuses_arguments_that_do_not_fit],
    ),
    (
        "yield",
        tests![control::yield_lets_the_others_run_first],
        tests![control::yield_and_halt_need_a_machine],
    ),
    (
        "halt",
        tests![control::halt_ends_the_coroutine_and_nothing_else],
        tests![
            control::halt_in_the_middle_fails_the_session,
            control::halt_ends_no_speculation,
            control::yield_and_halt_need_a_machine,
        ],
    ),
];

/// Whoever adds a name to the family is told here to test it.
#[test]
fn every_name_of_the_family_is_tested_both_ways() {
    let covered: Vec<&str> = COVERED.iter().map(|(name, ..)| *name).collect();
    let family: Vec<&str> = SESSION_FAMILY.iter().map(|(name, _)| *name).collect();
    assert_eq!(covered, family, "one line a name, in the order of the family");
    for (name, positive, faults) in COVERED {
        assert!(!positive.is_empty(), "{name} has no test of what it does");
        assert!(!faults.is_empty(), "{name} has no test of a fault");
    }
    let mut names: Vec<&str> =
        COVERED.iter().flat_map(|(_, a, b)| a.iter().chain(*b)).map(|(name, _)| *name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert!(names.len() >= 2 * SESSION_FAMILY.len(), "{all} entries, of {} tests", names.len());
}
