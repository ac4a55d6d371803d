//! A batch of lines on its way into the trail.

/// A batch is written when it has this many bytes.
pub(crate) const BATCH_BYTES: usize = 256 << 10;

/// Buffers that grew beyond this many bytes are not reused.
pub(crate) const LARGEST_REUSED: usize = 8 * BATCH_BYTES;

/// Whole lines with consecutive `seq`.
#[derive(Default)]
pub(crate) struct LineBatch {
    pub(crate) bytes: Vec<u8>,
    /// The end of each line in `bytes`, after its line feed.
    pub(crate) ends: Vec<usize>,
    /// The `seq` of the first line.
    pub(crate) first: u64,
}

impl LineBatch {
    /// A batch that has no lines yet.
    pub(crate) fn begin(seq: u64) -> LineBatch {
        LineBatch {
            first: seq,
            ..LineBatch::default()
        }
    }

    /// A batch of one line, which ends with its line feed.
    pub(crate) fn one(seq: u64, line: Vec<u8>) -> LineBatch {
        LineBatch {
            ends: vec![line.len()],
            bytes: line,
            first: seq,
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.ends.len() as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The `seq` after the last line.
    pub(crate) fn next_seq(&self) -> u64 {
        self.first + self.count()
    }

    /// The lines, without their line feeds.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut begin = 0;
        self.ends.iter().map(move |&end| {
            let line = &self.bytes[begin..end - 1];
            begin = end;
            line
        })
    }

    /// Where the line begins that holds byte `at`.
    pub(crate) fn line_begin(&self, at: usize) -> usize {
        match self.ends.partition_point(|&end| end <= at) {
            0 => 0,
            line => self.ends[line - 1],
        }
    }

    /// Empties the batch and keeps its memory, unless it grew too large.
    pub(crate) fn clear(&mut self) {
        if self.bytes.capacity() > LARGEST_REUSED {
            *self = LineBatch::default();
        }
        self.bytes.clear();
        self.ends.clear();
    }
}
