//! The trail against what the clients know.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use stinger_audit::error::trail::{ErrorKind, Unreadable};
use stinger_audit::read::{Outcome, Trail, Turn};
use stinger_audit::record::Record;

use crate::load::{Answer, Ask, CONVERSATION, Client, Got, Sent};

/// What a trail holds.
pub struct Evidence {
    /// All records but the trail's own.
    pub records: Vec<Record>,
    /// Records that the trail wrote about itself.
    pub own: Vec<Record>,
    /// Lines that a killed process, or a full disk, left unfinished.
    pub torn: usize,
    /// The turns of the load, by the request that they belong to.
    turns: HashMap<String, Vec<Turn>>,
}

impl Evidence {
    /// Reads a trail: `seq` has no hole, and no record is there twice.
    pub fn read(path: &Path) -> Evidence {
        let trail = Trail::open(path).expect("a trail");
        let (mut records, mut own, mut torn) = (Vec::new(), Vec::new(), 0);
        let mut next = 0;
        let mut seen = HashSet::new();
        for record in trail.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let is_torn = matches!(
                        error.kind(),
                        ErrorKind::Unreadable {
                            reason: Unreadable::Torn | Unreadable::Unfinished,
                            ..
                        }
                    );
                    assert!(is_torn, "{error}");
                    torn += 1;
                    continue;
                }
            };
            assert_eq!(record.seq, next, "a hole, or out of order");
            next += 1;
            if record.is_about_trail() {
                own.push(record);
                continue;
            }
            let mut without_seq = record.clone();
            without_seq.seq = 0;
            without_seq.turn_number = None;
            without_seq.conversation_state = None;
            let line = serde_json::to_string(&without_seq).expect("JSON");
            assert!(seen.insert(line), "there twice: {record:?}");
            records.push(record);
        }
        let conversation = trail.conversation(CONVERSATION);
        assert_eq!(conversation.unreadable.len(), torn, "the same lines");
        let mut turns: HashMap<String, Vec<Turn>> = HashMap::new();
        for turn in conversation.turns {
            let request = turn.records[0]
                .client_request_id
                .clone()
                .expect("a request id");
            is_one_turn(&turn);
            turns.entry(request).or_default().push(turn);
        }
        Evidence {
            records,
            own,
            torn,
            turns,
        }
    }

    /// The turns of a request id.
    pub fn turns(&self, request_id: &str) -> &[Turn] {
        self.turns.get(request_id).map_or(&[], Vec::as_slice)
    }

    /// The turn of a request that is alone with its id.
    pub fn turn(&self, ask: &Ask) -> Option<&Turn> {
        let turns = self.turns(&ask.id);
        assert!(turns.len() <= 1, "a request with several turns: {turns:#?}");
        turns.first()
    }

    /// Whether the request ended without a turn, and the trail says so.
    pub fn is_told_as_cancelled(&self, ask: &Ask) -> bool {
        self.records.iter().any(|record| {
            record.event_type.as_str() == "request_unaudited"
                && record.other.get("cancelled").is_some()
                && record.client_request_id.as_ref() == Some(&ask.id)
        })
    }

    /// Every turn is one of these requests'.
    pub fn belongs_to(&self, sent: &[Sent]) {
        let sent: HashSet<&str> = sent.iter().map(|sent| sent.ask.id.as_str()).collect();
        for request in self.turns.keys() {
            assert!(sent.contains(request.as_str()), "whose is {request}?");
        }
        for record in &self.records {
            let request = record.client_request_id.as_deref().expect("a request id");
            assert!(sent.contains(request), "whose is {record:?}?");
        }
    }

    /// How many records the trail says are missing.
    pub fn lost(&self) -> u64 {
        self.own
            .iter()
            .filter(|record| record.event_type.as_str() == "trail_gap")
            .map(|gap| gap.other["lost"].as_u64().expect("a count"))
            .sum()
    }

    pub fn has_own(&self, event_type: &str) -> bool {
        self.own
            .iter()
            .any(|record| record.event_type.as_str() == event_type)
    }

    /// An answer that its client holds stands in the trail, word for word.
    pub fn holds(&self, ask: &Ask, answer: &Answer) {
        let turn = self.turn(ask).unwrap_or_else(|| {
            panic!("{answer:?} to {ask:?} left without a turn");
        });
        let completeness = turn.completeness();
        assert!(completeness.is_complete(), "{completeness:?} of {turn:#?}");
        assert_eq!(prompt(turn), ask.prompt);
        match answer.status.as_u16() {
            200 => {
                assert!(!ask.is_attack, "{ask:?} was answered");
                assert_eq!(turn.outcome(), Some(Outcome::Released), "{turn:#?}");
                assert_eq!(response(turn), answer.text);
                assert!(answer.text.ends_with(&ask.prompt), "{}", answer.text);
            }
            400 => {
                assert!(ask.is_attack, "{ask:?} was refused");
                assert_eq!(turn.outcome(), Some(Outcome::Blocked), "{turn:#?}");
                let by = turn.blocking().map(|decision| &*decision.filter_name);
                assert_eq!(by, Some("prompt_injection"));
                assert!(turn.response().is_none());
            }
            other => panic!("{other} to {ask:?}"),
        }
    }

    /// What the trail says of a request whose client left with a part of the answer, and that is
    /// true: never less than the client got.
    pub fn fits(&self, ask: &Ask, got: &str) -> Option<Outcome> {
        let turn = self.turn(ask)?;
        assert_eq!(prompt(turn), ask.prompt);
        let outcome = turn.outcome();
        match outcome {
            Some(Outcome::Released) => {
                assert!(response(turn).ends_with(&ask.prompt), "{turn:#?}");
                assert!(turn.completeness().is_complete(), "{turn:#?}");
            }
            // Recorded in front of the moment at which it would have been let go.
            Some(Outcome::Withheld) => assert!(!ask.stream && got.is_empty(), "{turn:#?}"),
            Some(Outcome::Cut) => assert!(ask.stream, "{turn:#?}"),
            Some(Outcome::Abandoned) => assert!(got.is_empty(), "{turn:#?}"),
            Some(Outcome::Blocked) => assert!(ask.is_attack && got.is_empty(), "{turn:#?}"),
            _ => panic!("{outcome:?} of {turn:#?}"),
        }
        if ask.stream && !got.is_empty() {
            let recorded = response(turn);
            assert!(recorded.starts_with(got), "{got:?} of {recorded:?}");
        }
        outcome
    }
}

/// Its records are of one request, user and address, and each is there once.
fn is_one_turn(turn: &Turn) {
    let first = &turn.records[0];
    let mut seen = HashSet::new();
    for record in &turn.records {
        assert_eq!(
            record.client_request_id, first.client_request_id,
            "{turn:#?}"
        );
        assert_eq!(record.user_id, first.user_id, "{turn:#?}");
        assert_eq!(record.user_ip, first.user_ip, "{turn:#?}");
        let decided = match record.event_type.as_str() {
            "guardrail_decision" => &*record.guardrail_decisions[0].filter_name,
            _ => "",
        };
        let what = (record.event_type.as_str(), decided);
        assert!(seen.insert(what), "{what:?} twice: {turn:#?}");
    }
}

/// Its records are the client's who asked.
pub fn is_by(turn: &Turn, client: &Client) {
    for record in &turn.records {
        assert_eq!(record.user_id.as_ref(), Some(&client.user), "{record:?}");
        let address = client.address.to_string();
        assert_eq!(record.user_ip, Some(address), "{record:?}");
    }
}

/// Asks that their clients gave up, by what the trail says of them.
pub fn left(sent: &[Sent]) -> impl Iterator<Item = (&Ask, &str)> {
    sent.iter().filter_map(|sent| match &sent.got {
        Got::Left(text) => Some((&sent.ask, text.as_str())),
        _ => None,
    })
}

/// Answers that came whole.
pub fn whole(sent: &[Sent]) -> impl Iterator<Item = (&Ask, &Answer)> {
    sent.iter().filter_map(|sent| match &sent.got {
        Got::Answer(answer) if answer.is_whole => Some((&sent.ask, answer)),
        _ => None,
    })
}

pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        len => sorted[(len * percent / 100).min(len - 1)],
    }
}

fn prompt(turn: &Turn) -> &str {
    let record = turn.prompt().expect("a prompt");
    record.prompt.as_deref().unwrap_or_default()
}

fn response(turn: &Turn) -> &str {
    let record = turn.response();
    record
        .and_then(|record| record.response.as_deref())
        .unwrap_or_default()
}
