//! Which lines need not be parsed: those in which nothing stands that a selected record must hold.

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

use super::Query;

/// Holds back lines that a query cannot select. It may let others through, and lets through
/// whatever does not look like a record, so that it is told.
#[derive(Clone, Debug)]
pub(super) enum Prefilter {
    All,
    One(Box<Finder<'static>>),
    Any(AhoCorasick),
}

impl Prefilter {
    pub(super) fn of(query: &Query) -> Prefilter {
        match query.needles() {
            None => Prefilter::All,
            Some(needles) => match needles.as_slice() {
                [needle] => Prefilter::One(Box::new(Finder::new(needle).into_owned())),
                needles => AhoCorasick::new(needles).map_or(Prefilter::All, Prefilter::Any),
            },
        }
    }

    /// Holds back every line that looks like a record.
    pub(super) fn nothing() -> Prefilter {
        // No line holds a line feed.
        Prefilter::One(Box::new(Finder::new(b"\n").into_owned()))
    }

    pub(super) fn lets_through(&self, line: &[u8]) -> bool {
        self.find(line).is_some() || !looks_like_ours(line)
    }

    /// Where in these bytes something stands that a selected record must hold.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Prefilter::All => (!bytes.is_empty()).then_some(0),
            Prefilter::One(needle) => needle.find(bytes),
            Prefilter::Any(needles) => needles.find(bytes).map(|found| found.start()),
        }
    }
}

/// A line that begins and ends as the trail's own do.
pub(super) fn looks_like_ours(line: &[u8]) -> bool {
    line.starts_with(b"{\"seq\":") && line.ends_with(b"}")
}
