//! The queue in memory, in which records wait that do not go through the journal: the trail's own, and large ones.
//!
//! A large record does not fit into the journal. It has a place among the journal's entries all the same: the worker
//! writes the entries before that place, then the record, then the other entries.

use std::collections::VecDeque;

use crate::write::journal::Refusal;

/// Records that wait in memory to be written.
#[derive(Default)]
pub(crate) struct RecordQueue {
    waiting: VecDeque<QueuedRecord>,
    /// Bytes of the trail's own records, and of large ones. Neither takes the other's room.
    system_bytes: usize,
    large_bytes: usize,
    /// How many were ever queued.
    pub(crate) queued: u64,
    /// The worker is writing the first record.
    is_first_taken: bool,
    /// The trail ends, and takes no further large records.
    refuses_large: bool,
}

pub(crate) struct QueuedRecord {
    /// `None`: it was withdrawn, and keeps its number only.
    frame: Option<Vec<u8>>,
    /// A large record's position in the journal.
    place: Option<u64>,
    /// How many losses the journal may forget once this record is written.
    pub(crate) losses: u64,
}

/// What the worker writes next.
pub(crate) enum Next {
    /// This frame.
    Record(Vec<u8>),
    /// Entries of the journal: a large record follows them.
    Entries,
    Nothing,
}

impl RecordQueue {
    /// Queues a record of the trail's own if no more than so many bytes of them wait, and says whether it did.
    pub(crate) fn push_system(&mut self, frame: &[u8], most_bytes: usize) -> bool {
        let has_room = self.system_bytes == 0 || self.system_bytes + frame.len() <= most_bytes;
        if has_room {
            self.push_gap(frame.to_owned(), 0);
        }
        has_room
    }

    /// Queues a `trail_gap`, for which there is always room.
    pub(crate) fn push_gap(&mut self, frame: Vec<u8>, losses: u64) {
        self.system_bytes += frame.len();
        self.push(frame, None, losses);
    }

    /// Queues a large record if no more than so many bytes of them wait, or none. Returns the record's number in the
    /// queue. `None`: there is no room.
    ///
    /// # Errors
    ///
    /// The trail has ended.
    pub(crate) fn push_large(
        &mut self,
        frame: &[u8],
        place: u64,
        most_bytes: usize,
    ) -> Result<Option<u64>, Refusal> {
        if self.refuses_large {
            return Err(Refusal::Closed);
        }
        if self.large_bytes > 0 && self.large_bytes + frame.len() > most_bytes {
            return Ok(None);
        }
        self.large_bytes += frame.len();
        self.push(frame.to_owned(), Some(place), 0);
        Ok(Some(self.queued))
    }

    fn push(&mut self, frame: Vec<u8>, place: Option<u64>, losses: u64) {
        self.waiting.push_back(QueuedRecord {
            frame: Some(frame),
            place,
            losses,
        });
        self.queued += 1;
    }

    /// Takes no more large records: those that wait are the last.
    pub(crate) fn refuse_large(&mut self) {
        self.refuses_large = true;
    }

    /// The worker has ended, and writes no more.
    pub(crate) fn end(&mut self) {
        self.refuses_large = true;
        self.is_first_taken = false;
    }

    /// Takes the record that is to be written next by a worker that has written the journal up to a position. It stays
    /// the first one until it is popped.
    pub(crate) fn take_first(&mut self, written_to: u64) -> Next {
        let withdrawn = self.waiting.iter().take_while(|it| it.frame.is_none());
        self.waiting.drain(..withdrawn.count());
        match self.waiting.front() {
            None => Next::Nothing,
            Some(first) if first.place.is_some_and(|place| place > written_to) => Next::Entries,
            Some(first) => {
                self.is_first_taken = true;
                Next::Record(first.frame.clone().unwrap_or_default())
            }
        }
    }

    /// The first record is written. Returns how many losses the journal may forget, and how many records have left the
    /// queue.
    pub(crate) fn pop(&mut self) -> (u64, u64) {
        let first = self.waiting.pop_front();
        self.is_first_taken = false;
        let losses = first.map_or(0, |mut first| {
            self.release(&mut first.frame, first.place);
            first.losses
        });
        (losses, self.popped())
    }

    /// Takes a record out that was queued as the `number`th. `false`: it is being written, or was.
    pub(crate) fn withdraw(&mut self, number: u64) -> bool {
        if self.is_first_taken && number == self.popped() + 1 {
            return false;
        }
        let Some(record) = self.get_mut(number) else {
            return false;
        };
        let (mut frame, place) = (record.frame.take(), record.place);
        self.release(&mut frame, place);
        true
    }

    /// The bytes of a record wait no more.
    fn release(&mut self, frame: &mut Option<Vec<u8>>, place: Option<u64>) {
        let bytes = frame.take().map_or(0, |frame| frame.len());
        match place {
            Some(_) => self.large_bytes -= bytes,
            None => self.system_bytes -= bytes,
        }
    }

    fn popped(&self) -> u64 {
        self.queued - self.waiting.len() as u64
    }

    /// The record that was queued as the `number`th, if it waits.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut QueuedRecord> {
        let at = number.checked_sub(self.popped() + 1)?;
        self.waiting.get_mut(usize::try_from(at).ok()?)
    }

    /// The position in the journal at which the first large record stands.
    pub(crate) fn next_place(&self) -> Option<u64> {
        let waiting = self.waiting.iter();
        waiting
            .filter(|record| record.frame.is_some())
            .find_map(|record| record.place)
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> u64 {
        (self.system_bytes + self.large_bytes) as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
