//! What a trail says of itself, as far as a seal proves it.

use std::collections::HashMap;

use serde_json::Value;

use super::Chain;
use crate::read::verify::TamperingKind as Kind;
use crate::trail::checkpoint::Checkpoint;

#[derive(Default)]
pub(super) struct Said {
    /// What no seal covers yet, by its seq: whoever may write to the file may have added it.
    pub(super) unproven: Vec<(u64, Vec<u8>)>,
    /// How often the writer has told of a torn line with this hash.
    pub(super) torn: HashMap<String, u32>,
    /// How often a writer says that it has written so many bytes again.
    pub(super) rewritten: HashMap<u64, u32>,
    /// Retention has removed the records in front of this one.
    pub(super) pruned: Option<u64>,
}

impl Chain {
    /// Takes what the trail says of itself for true, as far as a seal covers it and proves it.
    pub(super) fn believe(&mut self, seal: &Checkpoint, is_proven: bool) {
        let (said, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.said.unproven)
            .into_iter()
            .partition(|(seq, _)| *seq < seal.size);
        self.said.unproven = open;
        for (_, line) in said.into_iter().filter(|_| is_proven) {
            self.own(&line, Some(seal));
        }
    }

    /// What the trail says of itself. `None`: no seal covers it.
    pub(super) fn own(&mut self, line: &[u8], seal: Option<&Checkpoint>) {
        let Ok(record) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let number = |key: &str| record.get(key).and_then(Value::as_u64);
        let list = |key: &str| {
            let list = record.get(key).and_then(Value::as_array);
            list.into_iter().flatten()
        };
        match record["event_type"].as_str().unwrap_or_default() {
            "trail_opened" => self.is_closed = false,
            "trail_recovered" => {
                for torn in list("torn") {
                    self.told_torn(torn);
                }
                let detail = format!(
                    "a writer before record {} ended without ending the trail; {} records were \
                     recovered from its journal",
                    number("seq").unwrap_or(0),
                    number("replayed").unwrap_or(0)
                );
                self.verified.told.push(detail);
            }
            "trail_sync_failed" | "trail_put_back" => {
                let again = number("rewritten_bytes").or(number("restored_bytes"));
                if let Some(bytes) = again {
                    *self.said.rewritten.entry(bytes).or_default() += 1;
                }
            }
            // A writer seals it before it removes a file: what the next seal of another covers, or none, is
            // somebody else's.
            "trail_pruned"
                if seal.is_some_and(|seal| {
                    seal.reason == "pruned" && number("seq") == seal.size.checked_sub(1)
                }) =>
            {
                let last = list("files").filter_map(|file| file["last_seq"].as_u64());
                let behind = last.map(|last| last.saturating_add(1));
                self.said.pruned = behind.chain(self.said.pruned).max();
            }
            "trail_seal_broken" => {
                let (from, to) = (number("from_seq"), number("to_seq"));
                if let (Some(from), Some(to)) = (from, to) {
                    let detail = format!(
                        "records {from} to {to} stand behind the seal that closed the trail, and no writer that seals had opened it"
                    );
                    self.find(Kind::Inserted, Some(from), None, detail);
                }
            }
            _ => {}
        }
    }

    fn told_torn(&mut self, torn: &Value) {
        let file = torn["file"].as_str().unwrap_or_default().to_owned();
        let bytes = torn["bytes"].as_u64().unwrap_or(0);
        self.verified
            .told
            .push(format!("{file}: a line of {bytes} bytes was torn"));
        let hash = torn["sha256"].as_str().unwrap_or_default().to_owned();
        *self.said.torn.entry(hash).or_default() += 1;
    }
}
