//! What `check` finds in a trail: the lines of its files in, the findings out.

use std::fs;
use std::path::Path;

use stinger_audit::read::FindingKind::{
    Abandoned, Cut, Foreign, Gap, Hole, MissingDecision, MissingTurn, NoOutcome, NoPrompt,
    OutOfOrder, Torn, UncleanEnd, Unreadable,
};
use stinger_audit::read::{CheckReport, FindingKind, Trail};

#[path = "check/numbers.rs"]
mod numbers;
#[path = "check/requests.rs"]
mod requests;

/// Lines of a trail, and all that `check` must say of them.
#[derive(Default)]
struct Case {
    name: &'static str,
    lines: Vec<String>,
    findings: Vec<(FindingKind, Option<u64>)>,
    pruned: u64,
    turns: u64,
    is_closed: bool,
}

fn case(name: &'static str) -> Case {
    Case {
        name,
        ..Case::default()
    }
}

impl Case {
    fn lines<const N: usize>(self, lines: [String; N]) -> Case {
        Case {
            lines: lines.into(),
            ..self
        }
    }

    /// Expects a finding that shows at a record.
    fn finds(mut self, kind: FindingKind, seq: u64) -> Case {
        self.findings.push((kind, Some(seq)));
        self
    }

    /// Expects a finding at no record.
    fn finds_line(mut self, kind: FindingKind) -> Case {
        self.findings.push((kind, None));
        self
    }

    fn pruned(self, pruned: u64) -> Case {
        Case { pruned, ..self }
    }

    fn turns(self, turns: u64) -> Case {
        Case { turns, ..self }
    }

    fn closed(self) -> Case {
        Case {
            is_closed: true,
            ..self
        }
    }

    fn assert(&self) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        fs::write(&path, self.lines.concat()).expect("written");
        let report = check(&path);
        let found = (
            findings(&report),
            report.pruned,
            report.turns,
            report.is_closed,
        );
        let expected = (
            self.findings.clone(),
            self.pruned,
            self.turns,
            self.is_closed,
        );
        assert_eq!(found, expected, "{}: {report:#?}", self.name);
        assert_eq!(report.is_complete(), self.findings.is_empty());
    }
}

fn check(path: &Path) -> CheckReport {
    Trail::open(path).expect("a trail").check()
}

fn findings(report: &CheckReport) -> Vec<(FindingKind, Option<u64>)> {
    let findings = report.findings.iter();
    findings
        .map(|finding| (finding.kind, finding.seq))
        .collect()
}

fn line(seq: u64, event_type: &str, keys: &str) -> String {
    let time = format!("2026-11-24T10:00:{seq:02}Z");
    format!("{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"{event_type}\"{keys}}}\n")
}

fn event(seq: u64) -> String {
    line(seq, "e", "")
}

fn opened(seq: u64) -> String {
    line(seq, "trail_opened", ",\"format\":1")
}

fn closed(seq: u64) -> String {
    line(
        seq,
        "trail_closed",
        ",\"lost\":0,\"write_errors\":0,\"written\":1",
    )
}

fn pruned(seq: u64) -> String {
    let keys = ",\"file\":\"audit.2026-11-23.log\",\"first_seq\":0,\"last_seq\":1";
    line(seq, "trail_pruned", keys)
}

/// The keys of a turn that has a number and no id.
fn numbered(number: u64) -> String {
    format!(",\"conversation_id\":\"c\",\"turn_number\":{number}")
}

/// The keys of a turn that has an id, too.
fn identified(number: u64, id: &str) -> String {
    format!("{},\"turn_id\":\"{id}\"", numbered(number))
}

fn prompt(seq: u64, turn: &str) -> String {
    line(seq, "user_prompt", &format!("{turn},\"prompt\":\"p\""))
}

/// A prompt whose turn expects decisions of two guardrails.
fn expecting(seq: u64, turn: &str) -> String {
    prompt(seq, &format!("{turn},\"expects\":[\"a\",\"b\"]"))
}

fn decision(seq: u64, turn: &str, guardrail: &str, decision: &str) -> String {
    let decision = format!("{{\"filter_name\":\"{guardrail}\",\"decision\":\"{decision}\"}}");
    let keys = format!("{turn},\"guardrail_decisions\":[{decision}]");
    line(seq, "guardrail_decision", &keys)
}

fn response(seq: u64, turn: &str) -> String {
    line(seq, "llm_response", &format!("{turn},\"response\":\"r\""))
}

fn released(seq: u64, turn: &str) -> String {
    response(seq, &format!("{turn},\"outcome\":\"released\""))
}

#[test]
fn every_record_that_is_missing_or_out_of_order_is_found() {
    for case in [
        case("an empty file").lines([]),
        case("nothing is missing").lines([event(0), event(1), event(2)]),
        case("one is missing in the middle")
            .lines([event(0), event(2)])
            .finds(Hole, 2),
        case("several are missing in two places")
            .lines([event(0), event(3), event(4), event(9)])
            .finds(Hole, 3)
            .finds(Hole, 9),
        case("the first is missing")
            .lines([event(1), event(2)])
            .finds(Hole, 1),
        case("the first three are missing")
            .lines([event(3), event(4)])
            .finds(Hole, 3),
        case("retention has removed the first three")
            .lines([event(3), pruned(4), event(5)])
            .pruned(3),
        case("records are missing between retained ones")
            .lines([event(3), pruned(4), event(7)])
            .finds(Hole, 7)
            .pruned(3),
        case("retention removes a file of a whole trail").lines([event(0), pruned(1), event(2)]),
        case("a record comes too late")
            .lines([event(0), event(2), event(1), event(3)])
            .finds(OutOfOrder, 1)
            .finds(Hole, 2),
        case("two records have one number")
            .lines([event(0), event(1), line(1, "other", ""), event(2)])
            .finds(OutOfOrder, 1),
        case("a line is repeated byte for byte").lines([event(0), event(1), event(1), event(2)]),
    ] {
        case.assert();
    }
}

#[test]
fn every_damaged_line_is_found_and_the_rest_is_checked() {
    let line = |text: &str| text.to_owned();
    for case in [
        case("a torn line")
            .lines([event(0), line("{\"seq\":1,\"timest\n"), event(1)])
            .finds_line(Torn),
        case("a foreign line")
            .lines([event(0), line("somebody else's\n"), event(2)])
            .finds(Hole, 2)
            .finds_line(Foreign),
        case("the last line is half of one")
            .lines([event(0), line("{\"seq\":1,\"timest")])
            .finds_line(Torn),
        case("the last line has no line feed")
            .lines([event(0), line(event(1).trim_end())])
            .finds_line(Torn),
        case("the same in a closed trail")
            .lines([opened(0), line(closed(1).trim_end())])
            .finds_line(Torn)
            .closed(),
    ] {
        case.assert();
    }
}

#[test]
fn what_the_trail_says_of_itself_is_believed() {
    let gap = |seq| {
        line(
            seq,
            "trail_gap",
            ",\"lost\":2,\"reason\":\"the buffer was full\"",
        )
    };
    let recovered = |seq| {
        line(
            seq,
            "trail_recovered",
            ",\"replayed\":3,\"damaged_bytes\":0",
        )
    };
    for case in [
        case("open").lines([opened(0), event(1)]),
        case("closed")
            .lines([opened(0), event(1), closed(2)])
            .closed(),
        case("closed, opened again, and its writer died").lines([
            opened(0),
            closed(1),
            opened(2),
            event(3),
        ]),
        case("closed, opened again, and closed")
            .lines([opened(0), closed(1), opened(2), closed(3)])
            .closed(),
        case("records were lost")
            .lines([opened(0), gap(1)])
            .finds(Gap, 1),
        case("a writer died")
            .lines([opened(0), opened(1), recovered(2)])
            .finds(UncleanEnd, 2),
    ] {
        case.assert();
    }
}

#[test]
fn every_turn_that_lacks_something_is_found() {
    let [first, second, third, fifth] = [1, 2, 3, 5].map(numbered);
    let [one, two] = [(1, "t-1"), (2, "t-2")].map(|(number, id)| identified(number, id));
    let end = |seq, event_type, turn: &str| line(seq, event_type, turn);
    for case in [
        case("a prompt without an outcome")
            .lines([prompt(0, &first)])
            .finds(NoOutcome, 0)
            .turns(1),
        case("the same with an id")
            .lines([event(0), prompt(1, &one)])
            .finds(NoOutcome, 1)
            .turns(1),
        case("two turns, one without an outcome")
            .lines([
                prompt(0, &one),
                released(1, &one),
                prompt(2, &two),
                decision(3, &two, "a", "allow"),
            ])
            .finds(NoOutcome, 2)
            .turns(2),
        case("a whole turn")
            .lines([prompt(0, &first), response(1, &first)])
            .turns(1),
        case("a whole turn with an id")
            .lines([prompt(0, &one), released(1, &one)])
            .turns(1),
        case("a turn that failed")
            .lines([prompt(0, &one), end(1, "turn_failed", &one)])
            .turns(1),
        case("an abandoned turn")
            .lines([event(0), prompt(1, &one), end(2, "turn_abandoned", &one)])
            .finds(Abandoned, 1)
            .turns(1),
        case("an answer without a prompt")
            .lines([response(0, &first)])
            .finds(NoPrompt, 0)
            .turns(1),
        case("the same with an id")
            .lines([event(0), released(1, &one)])
            .finds(NoPrompt, 1)
            .turns(1),
        case("a decision without a prompt, and without an outcome")
            .lines([decision(0, &one, "a", "allow")])
            .finds(NoPrompt, 0)
            .turns(1),
        case("an answer that was recorded and withheld")
            .lines([
                prompt(0, &one),
                released(1, &one),
                end(2, "turn_withheld", &one),
            ])
            .turns(1),
        case("the same without an id")
            .lines([
                prompt(0, &first),
                released(1, &first),
                end(2, "turn_withheld", &first),
            ])
            .turns(1),
        case("a decision that follows the end of a turn without an id")
            .lines([
                prompt(0, &first),
                end(1, "turn_blocked", &first),
                decision(2, &first, "a", "block"),
            ])
            .turns(1),
        case("a decision that follows the end of a turn with an id")
            .lines([
                prompt(0, &one),
                released(1, &one),
                decision(2, &one, "a", "allow"),
            ])
            .finds(NoPrompt, 2)
            .turns(2),
        case("turns side by side")
            .lines([
                prompt(0, &one),
                prompt(1, &two),
                released(2, &two),
                released(3, &one),
                prompt(4, &third),
                response(5, &third),
            ])
            .turns(3),
        case("one guardrail did not decide")
            .lines([
                event(0),
                expecting(1, &one),
                decision(2, &one, "a", "allow"),
                released(3, &one),
            ])
            .finds(MissingDecision, 1)
            .turns(1),
        case("both guardrails decided")
            .lines([
                expecting(0, &one),
                decision(1, &one, "a", "allow"),
                decision(2, &one, "b", "warn"),
                released(3, &one),
            ])
            .turns(1),
        case("the first guardrail blocked")
            .lines([
                expecting(0, &one),
                decision(1, &one, "a", "block"),
                end(2, "turn_blocked", &one),
            ])
            .turns(1),
        case("nobody decided yet")
            .lines([expecting(0, &one)])
            .finds(NoOutcome, 0)
            .turns(1),
        case("a whole trail whose conversation begins at turn 3")
            .lines([prompt(0, &third), response(1, &third)])
            .finds(MissingTurn, 0)
            .turns(1),
        case("the same at turn 2")
            .lines([event(0), prompt(1, &second), response(2, &second)])
            .finds(MissingTurn, 1)
            .turns(1),
        case("the same after retention")
            .lines([prompt(4, &third), response(5, &third), pruned(6)])
            .pruned(4)
            .turns(1),
        case("a turn is missing after retention")
            .lines([
                prompt(4, &third),
                response(5, &third),
                pruned(6),
                prompt(7, &fifth),
                response(8, &fifth),
            ])
            .finds(MissingTurn, 7)
            .pruned(4)
            .turns(2),
    ] {
        case.assert();
    }
}

#[test]
fn an_end_that_the_checkpoint_knows_of_is_found_missing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .rotation(stinger_audit::config::Rotation::NEVER)
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::emit::event("e"))
        .expect("recorded");
    audit.close().expect("closed");
    let whole = fs::read(&path).expect("readable");
    let report = check(&path);
    assert_eq!((findings(&report), report.is_closed), (vec![], true));
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for left in 0..lines.len() {
        fs::write(&path, lines[..left].concat()).expect("written");
        let report = check(&path);
        assert_eq!(findings(&report), [(Cut, None)], "{left}: {report:#?}");
    }
    fs::write(&path, &whole).expect("written");
    fs::write(dir.path().join("audit.log.checkpoint"), "forged\n").expect("written");
    assert_eq!(findings(&check(&path)), [(Foreign, None)]);
}

/// The memory of a process is a file that even root cannot read from its beginning.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_to_its_end_is_found() {
    let report = check(Path::new("/proc/self/mem"));
    assert_eq!(findings(&report), [(Unreadable, None)], "{report:#?}");
}

#[test]
fn several_trails_are_checked_apart_and_reported_as_one() {
    let turn = [1, 2, 3].map(numbered);
    let whole = |first: u64, number: usize| {
        prompt(first, &turn[number - 1]) + &response(first + 1, &turn[number - 1])
    };
    // Two records pruned, one turn, closed.
    let small = event(2) + &pruned(3) + &whole(4, 1) + &closed(6);
    // Three records pruned, two turns and the beginning of a third, open.
    let open = event(3) + &pruned(4) + &whole(5, 1) + &whole(7, 2) + &prompt(9, &turn[2]);
    let large = open.clone() + &response(10, &turn[2]) + &closed(11);
    let no_outcome = vec![(NoOutcome, Some(9))];
    for (trails, expected) in [
        ([&small, &open], (no_outcome.clone(), 5, 4, false, 12)),
        ([&open, &small], (no_outcome, 5, 4, false, 12)),
        ([&small, &large], (vec![], 5, 4, true, 14)),
        ([&large, &small], (vec![], 5, 4, true, 14)),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        for (pid, lines) in trails.iter().enumerate() {
            fs::write(dir.path().join(format!("audit.{pid}.log")), lines).expect("written");
        }
        let report = check(&dir.path().join("audit.{pid}.log"));
        let found = (
            findings(&report),
            report.pruned,
            report.turns,
            report.is_closed,
            report.records,
        );
        assert_eq!(found, expected, "{report:#?}");
        let last = if expected.3 { 11 } else { 9 };
        assert_eq!(report.first.map(|(seq, _)| seq), Some(2));
        assert_eq!(report.last.map(|(seq, _)| seq), Some(last));
    }
}
