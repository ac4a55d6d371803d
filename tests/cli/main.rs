//! The command, run as a process: this program is the command where it is asked to be.
//!
//! `tests/cli/trail` is a trail with something of everything, `tests/cli/*.txt` is what the command
//! prints of it. `STINGER_TEST_BLESS=1` writes these files anew; read the difference.

use std::process::ExitCode;

#[path = "../common/harness.rs"]
mod harness;

mod check;
mod diagnostics;
mod export;
mod fixtures;
mod hostile_text;
mod index;
mod input;
mod output;
mod process;
mod query;
mod show;
mod tail;

use process::ROLE;

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        return stinger_audit::cli::run(std::env::args_os());
    }
    harness::run(harness::named![
        output::what_is_printed_is_what_the_files_say,
        query::json_is_the_line_byte_for_byte_and_the_library_selects_the_same,
        diagnostics::what_ends_how_is_told_by_the_exit_code,
        diagnostics::mistakes_are_answered_with_what_to_do,
        hostile_text::hostile_text_acts_in_no_output,
        output::a_reader_that_goes_away_is_no_trouble,
        input::standard_input_may_hold_other_lines,
        export::an_export_gets_its_name_when_it_is_complete,
        tail::tail_misses_and_doubles_nothing_while_files_roll,
        query::the_newest_come_first_without_reading_the_rest,
        query::the_faults_of_other_queries_are_not_ours,
        query::a_known_value_is_found_by_its_tag,
        input::links_devices_and_long_lines_are_no_trouble,
        index::a_large_trail_gets_indexes_and_no_other_answers,
        show::every_record_of_a_turn_is_shown,
        show::a_filter_hides_turns_and_says_so,
        input::a_file_that_cannot_be_read_is_trouble,
        export::an_export_replaces_nothing_that_it_was_not_told_to,
        export::an_export_is_written_into_a_pipe,
        check::what_is_gone_from_the_end_is_found,
        output::times_are_those_of_the_zone_that_is_asked_for,
        diagnostics::what_the_trail_does_not_know_is_told_with_what_it_knows,
        tail::tail_ends_where_it_was_asked_to,
        diagnostics::what_is_no_trail_is_told_what_it_is,
        output::a_terminal_gets_colours_and_nothing_that_acts_on_it,
    ])
}
