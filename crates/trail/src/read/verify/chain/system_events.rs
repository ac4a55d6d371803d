//! What a trail says of itself, as far as a seal proves it.

use std::collections::HashMap;

use super::Chain;
use crate::error::Unreadable;
use crate::format::checkpoint::Checkpoint;
use crate::read::verify::TamperingKind as Kind;
use crate::record::system::Torn;
use crate::record::{Record, SystemEvent};

#[derive(Debug, Default)]
pub(super) struct SystemEvents {
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
        let (said, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.system_events.unproven)
            .into_iter()
            .partition(|(seq, _)| *seq < seal.size);
        self.system_events.unproven = open;
        for (_, line) in said.into_iter().filter(|_| is_proven) {
            self.own(&line, Some(seal));
        }
    }

    /// What the trail says of itself. `None`: no seal covers it.
    pub(super) fn own(&mut self, line: &[u8], seal: Option<&Checkpoint>) {
        let Ok(record) = serde_json::from_slice::<Record>(line) else {
            return;
        };
        match record.system_event() {
            Some(SystemEvent::Opened(_)) => {
                self.seals.is_closed = false;
                if let Some(format) = record.other_format() {
                    self.unchecked(format!(
                        "what follows record {}: {}",
                        record.seq,
                        Unreadable::OtherFormat { format }
                    ));
                }
            }
            Some(SystemEvent::Recovered(recovered)) => {
                for torn in recovered.torn {
                    self.told_torn(torn);
                }
                let detail = format!(
                    "a writer before record {} ended without ending the trail; {} records were \
                     recovered from its journal",
                    record.seq, recovered.replayed
                );
                self.findings.report.notices.push(detail);
            }
            Some(SystemEvent::SyncFailed(failed)) => self.told_again(failed.rewritten_bytes),
            Some(SystemEvent::FileRestored(happened)) => self.told_again(happened.restored_bytes),
            // A writer seals it before it removes a file: what the next seal of another covers, or none, is
            // somebody else's.
            Some(SystemEvent::Pruned(pruned))
                if seal.is_some_and(|seal| {
                    seal.reason == "pruned" && Some(record.seq) == seal.size.checked_sub(1)
                }) =>
            {
                let last = pruned.files.iter().filter_map(|file| file.last_seq);
                let behind = last.map(|last| last.saturating_add(1));
                self.system_events.pruned = behind.chain(self.system_events.pruned).max();
            }
            Some(SystemEvent::SealBroken(broken)) => {
                if let (Some(from), Some(to)) = (broken.from_seq, broken.to_seq) {
                    let detail = format!(
                        "records {from} to {to} stand behind the seal that closed the trail, and no writer that seals had opened it"
                    );
                    self.find(Kind::Inserted, Some(from), None, detail);
                }
            }
            _ => {}
        }
    }

    fn told_again(&mut self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            *self.system_events.rewritten.entry(bytes).or_default() += 1;
        }
    }

    fn told_torn(&mut self, torn: Torn) {
        let file = torn.file.unwrap_or_default();
        let detail = format!("{file}: a line of {} bytes was torn", torn.bytes);
        self.findings.report.notices.push(detail);
        *self.system_events.torn.entry(torn.sha256).or_default() += 1;
    }
}
