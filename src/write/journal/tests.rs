use super::*;

mod recovery;

const NO_WAIT: Duration = Duration::ZERO;
const CAPACITY: usize = 256;

/// The records of an empty trail.
pub(crate) fn no_records(_: u64) -> Box<dyn Iterator<Item = RecordHead>> {
    Box::new(std::iter::empty())
}

/// These records, from a `seq` on.
fn records_from(
    records: &[(u64, RecordHead)],
) -> impl FnMut(u64) -> Box<dyn Iterator<Item = RecordHead>> + '_ {
    |from| {
        let records = records.iter().filter(|(seq, _)| *seq >= from);
        let stamps: Vec<RecordHead> = records.map(|(_, stamp)| stamp.clone()).collect();
        Box::new(stamps.into_iter())
    }
}

/// Opens the journal of a trail with this last record, and with these records and their seqs.
fn open_after(
    path: &Path,
    capacity: usize,
    last_seq: Option<u64>,
    records: &[(u64, RecordHead)],
) -> (Arc<Journal>, Recovered) {
    Journal::open(path, capacity, last_seq, &mut records_from(records)).expect("a journal")
}

fn open(path: &Path) -> Arc<Journal> {
    open_after(path, CAPACITY, None, &[]).0
}

fn frames(journal: &Journal, from: u64) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut position = from;
    loop {
        let mut bytes = Vec::new();
        journal.copy(position, 40, &mut bytes);
        let mut at = 0;
        while let Some((frame, length)) = split_entry(&bytes[at..]) {
            frames.push(frame.to_vec());
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
        while journal.waiters() == 0 {
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

/// What the next process finds, when the last one died here.
fn found(path: &Path, last_seq: Option<u64>) -> (Vec<Vec<u8>>, Recovered) {
    let (journal, recovered) = open_after(path, CAPACITY, last_seq, &[]);
    (frames(&journal, journal.head()), recovered)
}

#[test]
fn threads_append_while_entries_are_taken_out_and_the_file_is_restored() {
    const THREADS: u32 = 3;
    const EACH: u32 = 3_000;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let journal = open(&path);
    let frame = |thread: u32, number: u32| {
        let length = number % 40;
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
            while let Some((found, length)) = split_entry(&bytes[at..]) {
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
                assert!(journal.restore_file().expect("room on the disk"));
            }
        }
    });
    assert_eq!(journal.accepted(), u64::from(THREADS * EACH));
    assert_eq!(journal.backlog(), 0);
    drop(journal);
    assert_eq!(found(&path, None), (vec![], Recovered::default()));
}
