//! Requests without a record of their own, and prompts of requests without an outcome.

use stinger_audit::read::FindingKind::{NoOutcome, Unaudited};

use super::{case, decision, event, line, numbered, prompt, response};

fn unaudited(seq: u64, status: &str) -> String {
    let keys = format!(",\"method\":\"POST\",\"path\":\"/chat\"{status}");
    line(seq, "request_unaudited", &keys)
}

#[test]
fn a_request_that_left_no_record_is_found_unless_no_handler_took_it() {
    for case in [
        case("answered")
            .lines([unaudited(0, ",\"status\":200")])
            .finds(Unaudited, 0),
        case("failed")
            .lines([event(0), unaudited(1, ",\"status\":500")])
            .finds(Unaudited, 1),
        case("no status")
            .lines([unaudited(0, "")])
            .finds(Unaudited, 0),
        case("no such path").lines([unaudited(0, ",\"status\":404")]),
        case("no such method").lines([unaudited(0, ",\"status\":405")]),
        case("switched to another protocol").lines([unaudited(0, ",\"status\":101")]),
        case("another event").lines([line(0, "e", ",\"status\":200")]),
    ] {
        case.assert();
    }
}

#[test]
fn a_prompt_of_a_request_without_an_outcome_is_found() {
    let [one, two] = ["r-1", "r-2"].map(|id| format!(",\"request_id\":\"{id}\""));
    let in_turn = format!("{one}{}", numbered(1));
    let both = format!("{one},\"prompt\":\"p\"");
    for case in [
        case("answered").lines([prompt(0, &one), response(1, &one)]),
        case("blocked").lines([prompt(0, &one), decision(1, &one, "a", "block")]),
        case("only warned")
            .lines([prompt(0, &one), decision(1, &one, "a", "warn")])
            .finds(NoOutcome, 0),
        case("prompt and response in one record").lines([response(0, &both)]),
        case("requests side by side")
            .lines([
                prompt(0, &one),
                prompt(1, &two),
                response(2, &two),
                event(3),
            ])
            .finds(NoOutcome, 0),
        case("another request's response")
            .lines([prompt(0, &one), response(1, &two)])
            .finds(NoOutcome, 0),
        case("the second of two prompts is answered")
            .lines([prompt(0, &one), prompt(1, &one), response(2, &one)])
            .finds(NoOutcome, 0),
        case("both are, side by side").lines([
            prompt(0, &one),
            prompt(1, &one),
            response(2, &one),
            response(3, &one),
        ]),
        case("none of two is")
            .lines([prompt(0, &one), prompt(1, &one)])
            .finds(NoOutcome, 0)
            .finds(NoOutcome, 1),
        case("a response that comes before its prompt")
            .lines([response(0, &one), prompt(1, &one)])
            .finds(NoOutcome, 1),
        case("a response of a turn answers the turn's prompt only")
            .lines([prompt(0, &one), prompt(1, &in_turn), response(2, &in_turn)])
            .finds(NoOutcome, 0)
            .turns(1),
        case("of no request and no turn").lines([prompt(0, "")]),
    ] {
        case.assert();
    }
}
