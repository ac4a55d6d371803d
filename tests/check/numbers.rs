//! Turns whose numbers come again, or are not known.

use stinger_audit::read::FindingKind::NoOutcome;

use super::{case, identified, numbered, opened, prompt, response};

#[test]
fn a_prompt_that_nobody_answered_is_found_whatever_the_number_of_the_next_one() {
    const UNKNOWN: &str = ",\"conversation_id\":\"c\",\"turn_number_unknown\":true";
    let unknown = || UNKNOWN.to_owned();
    for (name, [first, second]) in [
        ("the writer began again", [numbered(1), numbered(1)]),
        (
            "two turns with one id",
            [identified(1, "t"), identified(1, "t")],
        ),
        ("the numbers are not known", [unknown(), unknown()]),
        ("the number is not known any more", [numbered(1), unknown()]),
    ] {
        case(name)
            .lines([
                opened(0),
                prompt(1, &first),
                prompt(2, &second),
                response(3, &second),
            ])
            .finds(NoOutcome, 1)
            .turns(2)
            .assert();
    }
    // The writer forgot the conversation while its turn was open.
    case("an answer without a number")
        .lines([opened(0), prompt(1, &numbered(1)), response(2, UNKNOWN)])
        .turns(1)
        .assert();
    // What comes after turns without a number may have any.
    case("a number after unknown ones")
        .lines([
            opened(0),
            prompt(1, UNKNOWN),
            response(2, UNKNOWN),
            prompt(3, &numbered(7)),
            response(4, &numbered(7)),
        ])
        .turns(2)
        .assert();
}
