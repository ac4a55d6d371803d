use super::*;

const NO_WAIT: Duration = Duration::ZERO;
const CAPACITY: usize = 256;

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
    let journal = Journal::in_memory(CAPACITY);
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
    let journal = Journal::in_memory(CAPACITY);
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
    let mapped = Journal::open(&path, CAPACITY, None).expect("a journal").0;
    for journal in [Journal::in_memory(CAPACITY), mapped] {
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
    let (journal, remains) = Journal::open(path, CAPACITY, last_seq).expect("a journal");
    (frames(&journal, journal.head()), remains)
}

#[test]
fn what_is_left_is_found_once_wherever_the_process_died() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let begin = || {
        let _ = fs::remove_file(&path);
        let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
        for frame in [b"a", b"b", b"c"] {
            journal.append(frame, NO_WAIT).expect("room");
        }
        journal
    };
    let all = [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
    let records = |records| Remains {
        records,
        ..Remains::default()
    };

    drop(begin());
    assert_eq!(
        found(&path, Some(9)),
        (all.to_vec(), records(3)),
        "before the mark"
    );
    begin().mark(0, 3, 10);
    assert_eq!(
        found(&path, Some(9)),
        (all.to_vec(), records(3)),
        "before the write"
    );
    begin().mark(0, 3, 10);
    assert_eq!(
        found(&path, Some(11)),
        (all[2..].to_vec(), records(1)),
        "in the write"
    );
    begin().mark(0, 3, 10);
    assert_eq!(
        found(&path, Some(12)),
        (vec![], records(0)),
        "before the release"
    );
    begin().mark(0, 2, 10);
    assert_eq!(
        found(&path, Some(12)),
        (all[2..].to_vec(), records(1)),
        "before the release, with a record of the trail's own behind the batch"
    );
    let journal = begin();
    journal.mark(0, 2, 10);
    let _ = journal.release(18);
    drop(journal);
    assert_eq!(
        found(&path, Some(11)),
        (all[2..].to_vec(), records(1)),
        "behind the release"
    );
    assert_eq!(
        found(&path, Some(11)).1,
        records(1),
        "and again, until it is written"
    );
}

#[test]
fn damage_is_cut_off_and_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
    journal.append(b"good", NO_WAIT).expect("room");
    journal.append(b"to be damaged", NO_WAIT).expect("room");
    journal.append(b"behind it", NO_WAIT).expect("room");
    journal.note_loss(5);
    journal.note_loss(7);
    drop(journal);
    let mut bytes = fs::read(&path).expect("readable");
    let at = bytes
        .windows(13)
        .position(|window| window == b"to be damaged")
        .expect("there");
    bytes[at] ^= 1;
    fs::write(&path, bytes).expect("written");
    let (frames, remains) = found(&path, None);
    assert_eq!(frames, [b"good".to_vec()]);
    assert_eq!(
        remains,
        Remains {
            records: 1,
            damaged: 8 + 13 + 8 + 9,
            lost: Some((2, 5, 7))
        }
    );

    // A ring of no length, and positions that no ring comes to.
    for (capacity, tail) in [(0_u64, 0), (CAPACITY as u64, u64::MAX - 7)] {
        let mut bytes = vec![0; 4096 + capacity as usize];
        bytes[..8].copy_from_slice(b"stinger2");
        bytes[8..16].copy_from_slice(&capacity.to_le_bytes());
        for word in [2, 3] {
            bytes[8 * word..8 * word + 8].copy_from_slice(&u64::to_le_bytes(tail));
        }
        fs::write(&path, &bytes).expect("written");
        let (frames, remains) = found(&path, None);
        assert!(frames.is_empty());
        assert_eq!(remains.damaged, bytes.len() as u64);
    }

    fs::write(&path, b"something else").expect("written");
    let (frames, remains) = found(&path, None);
    assert_eq!((frames, remains.damaged), (vec![], 14));
    assert!(
        dir.path().join("journal.damaged").exists(),
        "kept as evidence"
    );
}

#[test]
fn an_entry_of_an_earlier_lap_does_not_pass_for_one_of_this() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
    journal.append(b"of the first lap", NO_WAIT).expect("room");
    let (head, tail) = (journal.head(), journal.tail());
    drop(journal);
    // The header came to the medium, and the page with what was written a lap later did not.
    let mut bytes = fs::read(&path).expect("readable");
    for (word, position) in [(Word::Head, head), (Word::Tail, tail)] {
        let at = word as usize * 8;
        let later = position + CAPACITY as u64;
        bytes[at..at + 8].copy_from_slice(&later.to_le_bytes());
    }
    fs::write(&path, bytes).expect("written");
    let (frames, remains) = found(&path, None);
    assert_eq!((frames, remains.damaged), (vec![], tail - head));
}

#[test]
fn a_frame_kept_aside_that_was_damaged_is_not_taken_for_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
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
fn an_empty_ring_starts_over_and_dying_meanwhile_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let begin = || {
        let _ = fs::remove_file(&path);
        let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
        let frame = [1; 56];
        journal.append(&frame, NO_WAIT).expect("room");
        journal
    };
    let start = CAPACITY as u64;

    let journal = begin();
    journal.append(b"waits", NO_WAIT).expect("room");
    assert_eq!(journal.release(64), 64, "not while something waits");
    assert_eq!(journal.release(journal.tail()), start);
    journal.append(b"a", NO_WAIT).expect("room");
    assert_eq!(journal.release(journal.tail()), start + 9, "not so soon");
    journal.append(b"b", NO_WAIT).expect("room");
    drop(journal);
    assert_eq!(found(&path, None).0, [b"b".to_vec()]);

    let journal = begin();
    journal.note_loss(5);
    // The head is set, the tail not yet.
    lock(&journal.state).ring.set(Word::Head, start);
    drop(journal);
    let (frames, remains) = found(&path, None);
    assert_eq!(frames, [] as [Vec<u8>; 0]);
    let lost = Some((1, 5, 5));
    assert_eq!(
        remains,
        Remains {
            lost,
            ..Remains::default()
        }
    );
}
