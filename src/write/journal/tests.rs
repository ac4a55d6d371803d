use super::*;

mod recovery;

const NO_WAIT: Duration = Duration::ZERO;
const CAPACITY: usize = 256;

/// A trail without records.
pub(crate) const NOTHING: Trail = Trail(None, Vec::new());

/// Its last record, and some records with their seqs.
pub(crate) struct Trail(Option<u64>, Vec<(u64, RecordHead)>);

impl Written for Trail {
    fn last_seq(&self) -> Option<u64> {
        self.0
    }

    fn from(&self, from: u64) -> Box<dyn Iterator<Item = RecordHead> + '_> {
        let behind = self.1.iter().filter(move |(seq, _)| *seq >= from);
        Box::new(behind.map(|(_, head)| head.clone()))
    }
}

fn frames(journal: &Journal, from: u64) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut position = from;
    loop {
        let mut bytes = Vec::new();
        journal.copy(position, 40, &mut bytes);
        let mut at = 0;
        while let Some((entry, length)) = split_entry(&bytes[at..]) {
            frames.push(match entry {
                Entry::Frame(frame) => frame.to_vec(),
                Entry::Large(number) => journal.large(number).expect("kept"),
            });
            at += length;
        }
        if at == 0 {
            return frames;
        }
        position += at as u64;
    }
}

#[test]
fn entries_count_until_they_are_released_and_the_ring_goes_round() {
    let journal = Journal::in_memory(CAPACITY).expect("memory");
    let mut expected = Vec::new();
    for number in 0..100_u8 {
        let frame = vec![number; usize::from(number) % 50];
        journal.append(&frame, NO_WAIT).expect("room");
        expected.push(frame);
        if expected.len() == 3 {
            let head = journal.head();
            assert_eq!(frames(&journal, head), expected);
            let _ = journal.release(journal.tail());
            expected.clear();
        }
    }
    let fill = [0; 48];
    while journal.append(&fill, NO_WAIT).is_ok() {}
    assert_eq!(
        journal.append(&fill, NO_WAIT),
        Err(Refusal::Full { stalled: true })
    );
    let _ = journal.release(journal.tail());
    journal.append(&fill, NO_WAIT).expect("room");
}

#[test]
fn a_thread_waits_for_room_and_no_longer_than_told() {
    let journal = Journal::in_memory(CAPACITY).expect("memory");
    while journal.append(&[1; 50], NO_WAIT).is_ok() {}
    let patience = Duration::from_millis(20);
    let begun = Instant::now();
    assert_eq!(
        journal.append(&[1; 50], patience),
        Err(Refusal::Full { stalled: true })
    );
    assert!(begun.elapsed() >= patience);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| journal.append(&[2; 50], Duration::from_secs(60)));
        while !journal.has_waiters() {
            std::thread::yield_now();
        }
        let _ = journal.release(journal.tail());
        assert!(waiting.join().expect("no panic").is_ok());
    });
    journal.close();
    assert_eq!(
        journal.append(&[5], patience),
        Err(Refusal::Closed),
        "nobody new"
    );
}

#[test]
fn frames_larger_than_the_ring_are_kept_aside() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let (journal, _) = Journal::open(&path, CAPACITY, &NOTHING).expect("a journal");
    let in_memory = Journal::in_memory(CAPACITY).expect("memory");
    for journal in [in_memory, journal] {
        let large = vec![7; 10_000];
        journal.append(b"before", NO_WAIT).expect("room");
        journal.append(&large, NO_WAIT).expect("room");
        assert_eq!(
            journal.append(&large, NO_WAIT),
            Err(Refusal::Full { stalled: true })
        );
        journal.append(b"after", NO_WAIT).expect("room");
        let found = frames(&journal, journal.head());
        assert_eq!(
            found,
            [b"before".to_vec(), large.clone(), b"after".to_vec()]
        );
        let _ = journal.release(journal.tail());
        journal.append(&large, NO_WAIT).expect("room again");
    }
}

/// What the next process finds, when the last one died here.
fn found(path: &Path, last_seq: Option<u64>) -> (Vec<Vec<u8>>, Remains) {
    let written = Trail(last_seq, vec![]);
    let (journal, remains) = Journal::open(path, CAPACITY, &written).expect("a journal");
    (frames(&journal, journal.head()), remains)
}

#[test]
fn a_frame_kept_aside_that_was_damaged_is_not_taken_for_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let (journal, _) = Journal::open(&path, CAPACITY, &NOTHING).expect("a journal");
    let frame = vec![b'a'; 2 * CAPACITY];
    journal.append(&frame, NO_WAIT).expect("room");
    assert_eq!(journal.large(0).expect("whole"), frame);
    let aside = dir.path().join("journal.0");
    let whole = fs::read(&aside).expect("kept aside");
    for place in [0, CAPACITY, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(&aside, damaged).expect("written");
        assert!(journal.large(0).is_err(), "byte {place}");
    }
    fs::write(&aside, &whole[..2]).expect("written");
    assert!(journal.large(0).is_err(), "two bytes");
}

#[test]
fn threads_append_while_entries_are_taken_out_and_the_file_is_put_back() {
    const THREADS: u32 = 3;
    const EACH: u32 = 3_000;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let (journal, _) = Journal::open(&path, CAPACITY, &NOTHING).expect("a journal");
    // One in a hundred is too large for the ring.
    let frame = |thread: u32, number: u32| {
        let length = if number % 100 == 99 { 90 } else { number % 40 };
        let mut frame = [thread.to_le_bytes(), number.to_le_bytes()].concat();
        frame.resize(8 + length as usize, number as u8);
        frame
    };
    let mut next = [0; THREADS as usize];
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let journal = &journal;
            scope.spawn(move || {
                for number in 0..EACH {
                    let patience = Duration::from_secs(60);
                    let appended = journal.append(&frame(thread, number), patience);
                    appended.expect("room in time");
                }
            });
        }
        let (mut round, mut position) = (0, 0);
        while next != [EACH; THREADS as usize] {
            let mut bytes = Vec::new();
            journal.copy(position, 100, &mut bytes);
            let mut at = 0;
            while let Some((entry, length)) = split_entry(&bytes[at..]) {
                let found = match entry {
                    Entry::Frame(frame) => frame.to_vec(),
                    Entry::Large(number) => journal.large(number).expect("kept"),
                };
                let thread = u32::from_le_bytes(*found.first_chunk().expect("whole"));
                let next = &mut next[thread as usize];
                assert_eq!(found, frame(thread, *next));
                *next += 1;
                at += length;
            }
            position = journal.release(position + at as u64);
            round += 1;
            if round % 500 == 0 {
                fs::remove_file(&path).expect("removed");
                assert!(journal.put_back().expect("room on the disk"));
            }
        }
    });
    assert_eq!(journal.accepted(), u64::from(THREADS * EACH));
    assert_eq!(journal.backlog(), 0);
    drop(journal);
    assert_eq!(found(&path, None), (vec![], Remains::default()));
}
