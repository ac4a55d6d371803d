//! Whether a trail is what its writer wrote: every byte is read again, and no index is asked.

use std::fmt;
use std::io::{ErrorKind as ErrorKindOfIo, Read};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use serde::de::IgnoredAny;

use super::file::{End, RawLine};
use super::line_mapper::{LineMapper, Mapped};
use super::scan::Merge;
use super::{Query, Trail};
use crate::error::{ErrorKind, Position, Result, Unverifiable};
use crate::format::checkpoint::{Checkpoint, PublicKey, parse_verifier_key};
use crate::format::tree::{Hash, leaf};
use crate::format::{TrailName, seq_of};
use crate::record::system::Sealed;
use crate::record::{Record, SystemEvent};

mod chain;

use chain::Chain;

/// What to verify a trail against, beside itself.
///
/// ```no_run
/// use stinger_audit_trail::read::{Trail, VerifyOptions};
///
/// # fn main() -> Result<(), stinger_audit_trail::Error> {
/// let trail = Trail::open("./logs/audit.log")?;
/// let kept = std::fs::read_to_string("/mnt/worm/audit.checkpoint").unwrap_or_default();
/// let verified = trail.verify(&VerifyOptions::new().checkpoint(&kept)?)?;
/// for finding in &verified.findings {
///     eprintln!("{finding}");
/// }
/// assert!(verified.is_intact());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    key: Option<PublicKey>,
    against: Vec<Checkpoint>,
}

/// What was found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Records read.
    pub records: u64,
    /// Sound seals among them.
    pub seals: u64,
    /// The key of the first seal that is there, as verifiers of notes take it. Where the trail is
    /// whole, this is its first key, which stands for it.
    pub key: Option<String>,
    /// Ranges of `seq` that are proven: from, and up to and without.
    pub proven: Vec<(u64, u64)>,
    /// Up to when, by the time of the last seal.
    pub sealed_until: Option<DateTime<Utc>>,
    /// What is not as it was written, in the order in which it shows.
    pub findings: Vec<Tampering>,
    /// What this trail alone cannot show, and why.
    pub unknown: Vec<String>,
    /// What was to be checked and could not be, and why: a file that cannot be read, a checkpoint or a key that
    /// was given and that nothing that is left can be compared with.
    pub unchecked: Vec<String>,
    /// What happened and was told by the writer: unclean ends, lines torn by them.
    pub notices: Vec<String>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tampering {
    /// What was done.
    pub kind: TamperingKind,
    /// The first record that it was done to.
    pub seq: Option<u64>,
    /// Where that stands, or should.
    pub position: Option<Position>,
    /// What exactly.
    pub detail: String,
}

/// What can be done to a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TamperingKind {
    /// A record is not what was sealed.
    Changed,
    /// Records are missing.
    Removed,
    /// A line was added.
    Inserted,
    /// Records stand in another order.
    Reordered,
    /// A record stands there twice.
    Duplicated,
    /// The end is missing.
    Cut,
    /// What was sealed is not what is there, or was sealed again by somebody else.
    ReSigned,
    /// Another key signs than the one that is known.
    KeyReplaced,
    /// An earlier state of the trail was put in place of a later one.
    RolledBack,
}

impl TamperingKind {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            TamperingKind::Changed => "changed",
            TamperingKind::Removed => "removed",
            TamperingKind::Inserted => "inserted",
            TamperingKind::Reordered => "reordered",
            TamperingKind::Duplicated => "duplicated",
            TamperingKind::Cut => "cut",
            TamperingKind::ReSigned => "re-signed",
            TamperingKind::KeyReplaced => "key replaced",
            TamperingKind::RolledBack => "rolled back",
        }
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind.as_str())?;
        if let Some(position) = &self.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(&self.detail)
    }
}

impl VerifyOptions {
    /// Against nothing but the trail itself, and the checkpoint beside it where there is one.
    pub fn new() -> VerifyOptions {
        VerifyOptions::default()
    }

    /// The key that the trail must begin with: `NAME+ID+KEY`, as `trail_opened` and
    /// [`VerifyReport::key`] have it. Of a trail whose beginning retention has removed, any key of a seal
    /// that is still there.
    ///
    /// # Errors
    ///
    /// It is no key.
    pub fn key(mut self, key: &str) -> Result<VerifyOptions> {
        let parsed = parse_verifier_key(key);
        self.key = Some(parsed.ok_or_else(|| ErrorKind::Key(key.to_owned()))?);
        Ok(self)
    }

    /// A checkpoint of the trail that was kept elsewhere: the trail must extend it.
    ///
    /// # Errors
    ///
    /// It is no checkpoint, or not the one that was signed.
    pub fn checkpoint(mut self, note: &str) -> Result<VerifyOptions> {
        let line = note.lines().next().unwrap_or_default();
        let checkpoint = Checkpoint::read(note);
        let checkpoint =
            checkpoint.ok_or_else(|| ErrorKind::Checkpoint(line.chars().take(80).collect()))?;
        self.against.push(checkpoint);
        Ok(self)
    }
}

impl VerifyReport {
    /// Whether everything could be checked, and nothing was found.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty() && self.unchecked.is_empty()
    }
}

impl Trail {
    /// Reads every byte of the trail and says whether it is what was written: what was changed,
    /// removed, added or put in another place, and what is proven all the same.
    ///
    /// # Errors
    ///
    /// There is no seal in the trail, or it is several trails: verify each by its own name.
    pub fn verify(&self, verify: &VerifyOptions) -> Result<VerifyReport> {
        self.verification(verify)?.run()
    }

    /// The same, not run yet, to show its progress.
    ///
    /// # Errors
    ///
    /// It is several trails: verify each by its own name.
    pub fn verification(&self, verify: &VerifyOptions) -> Result<Verification> {
        let [name] = self.names() else {
            return Err(Unverifiable::SeveralTrails.into());
        };
        // Before the records: what is read then is in the trail already.
        let beside = beside(name);
        let leaves = Merge::new(std::slice::from_ref(name), Query::new(), ToLeaf, None);
        let mut chain = Chain::new(verify.key, verify.against.clone());
        match beside {
            Beside::Sound(checkpoint) => chain.expect(*checkpoint),
            Beside::Unsound => chain.unknown(
                "the checkpoint beside the trail is not what was signed: it proves nothing",
            ),
            Beside::Unreadable(error) => chain.unchecked(format!(
                "the checkpoint beside the trail, {}: {error}",
                name.checkpoint().display()
            )),
            Beside::None => {}
        }
        Ok(Verification { leaves, chain })
    }

    /// Verifies the records among the lines of a reader, such as what a container wrote to stdout; lines that
    /// are no records are passed over.
    ///
    /// # Errors
    ///
    /// There is no seal among them.
    pub fn verify_lines(
        lines: impl Read + Send + 'static,
        verify: &VerifyOptions,
    ) -> Result<VerifyReport> {
        Trail::verification_of(lines, verify).run()
    }

    /// The same, not run yet, to show its progress.
    pub fn verification_of(
        lines: impl Read + Send + 'static,
        verify: &VerifyOptions,
    ) -> Verification {
        Verification {
            leaves: Merge::of_reader(Box::new(lines), Query::new(), ToLeaf),
            chain: Chain::new(verify.key, verify.against.clone()).of_stream(),
        }
    }

    /// The latest checkpoint: the one beside the trail, where it is sound, else the one of its last
    /// seal.
    ///
    /// # Errors
    ///
    /// The trail has none; or the name is a pattern of several trails.
    pub fn checkpoint(&self) -> Result<String> {
        let [name] = self.names() else {
            return Err(Unverifiable::SeveralTrails.into());
        };
        if let Beside::Sound(_) = beside(name)
            && let Ok(note) = name.read_checkpoint()
        {
            return Ok(note);
        }
        let mut seals = self.lines_reversed(Query::new().event_type(Sealed::EVENT_TYPE))?;
        let note = |line: super::Line| {
            let Some(SystemEvent::Sealed(seal)) = line.record.system_event() else {
                return None;
            };
            Checkpoint::read(&seal.checkpoint).map(|_| seal.checkpoint)
        };
        seals
            .find_map(|line| line.ok().and_then(note))
            .ok_or_else(|| Unverifiable::NoCheckpoint.into())
    }
}

enum Beside {
    Sound(Box<Checkpoint>),
    Unsound,
    Unreadable(std::io::Error),
    None,
}

fn beside(name: &TrailName) -> Beside {
    match name.read_checkpoint() {
        Err(error) if error.kind() == ErrorKindOfIo::NotFound => Beside::None,
        Err(error) if error.kind() == ErrorKindOfIo::InvalidData => Beside::Unsound,
        Err(error) => Beside::Unreadable(error),
        Ok(note) => match Checkpoint::read(&note) {
            Some(checkpoint) => Beside::Sound(Box::new(checkpoint)),
            None => Beside::Unsound,
        },
    }
}

/// A verification that is about to run: [`run`](Verification::run) it, and another thread sees how far it is.
#[derive(Debug)]
pub struct Verification {
    leaves: Merge<ToLeaf>,
    chain: Chain,
}

impl Verification {
    /// How many bytes were read so far.
    pub fn bytes_read(&self) -> Arc<std::sync::atomic::AtomicU64> {
        self.leaves.bytes_read()
    }

    /// Reads every byte, and says what was found.
    ///
    /// # Errors
    ///
    /// There is no seal.
    pub fn run(self) -> Result<VerifyReport> {
        let Verification { leaves, mut chain } = self;
        for taken in leaves {
            match taken {
                Ok(taken) => chain.line(taken),
                Err(error) => chain.unreadable(&error),
            }
        }
        chain.end()
    }
}

/// What a line is in the tree. Nothing of it is parsed but its `seq`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToLeaf;

/// A line.
#[derive(Debug)]
pub(super) struct Leaf {
    hash: Hash,
    byte: u64,
    end: End,
    /// Of the first line of each part that was read: which file it is.
    path: Option<Arc<Path>>,
    what: What,
}

#[derive(Debug)]
enum What {
    Record,
    /// A record of the trail's own.
    Own(Vec<u8>),
    /// No record.
    Foreign(Vec<u8>),
}

impl LineMapper for ToLeaf {
    type Item = Leaf;
    /// A line that comes again is something to tell.
    const ONCE: bool = false;
    /// Of a record little is kept, of the trail's own the line. Where lines are short a part is several batches, and
    /// fewer are ahead.
    const PARTS_AHEAD: usize = 16;

    fn item(&self, _line: &RawLine<'_>, _record: Record) -> Leaf {
        unreachable!("invariant: map does not ask for it")
    }

    fn map(&self, line: &RawLine<'_>, _query: &Query) -> Result<Option<Mapped<Leaf>>> {
        let bytes = line.bytes;
        let seq = whole_seq(line);
        let what = match seq {
            None => What::Foreign(bytes.to_vec()),
            Some(_) if is_own(bytes) => What::Own(bytes.to_vec()),
            Some(_) => What::Record,
        };
        Ok(Some(Mapped {
            trail: 0,
            seq: seq.unwrap_or(u64::MAX),
            timestamp: DateTime::UNIX_EPOCH,
            crc: 0,
            number: line.number,
            length: bytes.len(),
            item: Leaf {
                hash: leaf(bytes),
                byte: line.byte,
                end: line.end,
                path: (line.number == 1).then(|| Arc::from(line.path)),
                what,
            },
        }))
    }
}

/// The `seq` of a line that is a record. A torn line that was ended later begins like one, and may even end like
/// one: then it is found out where it does not fit.
pub(super) fn whole_seq(line: &RawLine<'_>) -> Option<u64> {
    let is_whole = match line.end {
        End::Ended => line.bytes.ends_with(b"}"),
        _ => is_json(line.bytes),
    };
    seq_of(line.bytes).filter(|_| is_whole)
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// Whether a line says that it is one of the trail's own.
fn is_own(line: &[u8]) -> bool {
    /// No seq and timestamp have more bytes than this.
    const REACH: usize = 128;
    /// What follows the timestamp of such a line.
    const OWN_MEMBER: &[u8] = b",\"event_type\":\"trail_";
    static OWN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(OWN_MEMBER));
    OWN.find(&line[..line.len().min(REACH)]).is_some()
}
