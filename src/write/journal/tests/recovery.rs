//! What the next process finds in a journal.

use chrono::DateTime;

use super::{CAPACITY, NO_WAIT, found, frames, no_records, open, open_after, records_from};
use crate::format::internal::Key;
use crate::write::journal::frame::{self, Value};
use crate::write::journal::*;

/// Words of the header.
const HEAD: usize = 2;
const TAIL: usize = 3;

fn set_word(bytes: &mut [u8], word: usize, value: u64) {
    bytes[8 * word..][..8].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn what_is_left_is_found_once_wherever_the_process_died() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let begin = || {
        let _ = fs::remove_file(&path);
        let journal = open(&path);
        for frame in [b"a", b"b", b"c"] {
            journal.append(frame, NO_WAIT).expect("room");
        }
        journal
    };
    let all = [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
    let replayed = |replayed| Recovered {
        replayed,
        ..Recovered::default()
    };

    drop(begin());
    assert_eq!(
        found(&path, Some(9)),
        (all.to_vec(), replayed(3)),
        "before the mark"
    );
    begin().mark(0, 3, 10);
    assert_eq!(
        found(&path, Some(9)),
        (all.to_vec(), replayed(3)),
        "before the write"
    );
    begin().mark(0, 3, 10);
    assert_eq!(
        found(&path, Some(11)),
        (all[2..].to_vec(), replayed(1)),
        "in the write"
    );
    begin().mark(0, 3, 10);
    assert_eq!(
        found(&path, Some(12)),
        (vec![], replayed(0)),
        "before the release"
    );
    begin().mark(0, 2, 10);
    assert_eq!(
        found(&path, Some(12)),
        (all[2..].to_vec(), replayed(1)),
        "before the release, with a record of the trail's own behind the batch"
    );
    let journal = begin();
    journal.mark(0, 2, 10);
    let _ = journal.release(18);
    drop(journal);
    assert_eq!(
        found(&path, Some(11)),
        (all[2..].to_vec(), replayed(1)),
        "behind the release"
    );
    assert_eq!(
        found(&path, Some(11)).1,
        replayed(1),
        "and again, until it is written"
    );
}

#[test]
fn damage_is_cut_off_and_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let journal = open(&path);
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
    let (frames, recovered) = found(&path, None);
    assert_eq!(frames, [b"good".to_vec()]);
    assert_eq!(
        recovered,
        Recovered {
            replayed: 1,
            damaged_bytes: 8 + 13 + 8 + 9,
            ..Recovered::default()
        }
    );
    let lost = open(&path).unrecorded_losses().expect("counted");
    let times = [lost.from, lost.to].map(|time| time.map(|time| time.timestamp_micros()));
    assert_eq!((lost.lost, times), (2, [Some(5), Some(7)]));
}

#[test]
fn a_file_that_is_no_journal_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let header = |magic: &[u8; 8], capacity: u64, position: u64| {
        let mut bytes = vec![0; 4096 + capacity as usize];
        bytes[..8].copy_from_slice(magic);
        set_word(&mut bytes, 1, capacity);
        set_word(&mut bytes, HEAD, position);
        set_word(&mut bytes, TAIL, position);
        bytes
    };
    let capacity = CAPACITY as u64;
    let cases = [
        Vec::new(),
        b"something else".to_vec(),
        header(b"stinger4", capacity, 0),
        // A ring of no length, and positions that no ring comes to.
        header(b"stinger7", 0, 0),
        header(b"stinger7", capacity, u64::MAX - 7),
    ];
    for bytes in cases {
        fs::write(&path, &bytes).expect("written");
        let opened = Journal::open(&path, CAPACITY, None, &mut no_records);
        let error = opened.map(drop).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert_eq!(fs::read(&path).expect("readable"), bytes);
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1);
    }
    fs::write(&path, header(b"stinger7", capacity, 0)).expect("written");
    assert_eq!(found(&path, None), (vec![], Recovered::default()));
}

#[test]
fn an_entry_of_an_earlier_lap_does_not_pass_for_one_of_this() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let journal = open(&path);
    journal.append(b"of the first lap", NO_WAIT).expect("room");
    let (head, tail) = (journal.head(), journal.tail());
    drop(journal);
    // The header came to the medium, and the page with what was written a lap later did not.
    let mut bytes = fs::read(&path).expect("readable");
    for (word, position) in [(HEAD, head), (TAIL, tail)] {
        set_word(&mut bytes, word, position + CAPACITY as u64);
    }
    fs::write(&path, bytes).expect("written");
    let (frames, recovered) = found(&path, None);
    assert_eq!((frames, recovered.damaged_bytes), (vec![], tail - head));
}

#[test]
fn an_empty_ring_starts_over_and_dying_meanwhile_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let begin = || {
        let _ = fs::remove_file(&path);
        let journal = open(&path);
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
    drop(journal);
    // The head is set, the tail not yet.
    let mut bytes = fs::read(&path).expect("readable");
    set_word(&mut bytes, HEAD, start);
    fs::write(&path, bytes).expect("written");
    let (frames, recovered) = found(&path, None);
    assert_eq!(frames, [] as [Vec<u8>; 0]);
    assert_eq!(recovered, Recovered::default());
    // Another capacity: the ring is made again, and its losses are kept.
    let (journal, _) = open_after(&path, 2 * CAPACITY, None, &[]);
    assert_eq!(journal.unrecorded_losses().map(|gap| gap.lost), Some(1));
}

#[test]
fn entries_that_a_header_older_than_the_trail_has_are_found_in_the_trail() {
    const CAPACITY: usize = 1 << 10;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let frame = |micros: i64, event_type: &str, filler: usize| {
        let mut made = Vec::new();
        frame::begin(&mut made, micros);
        frame::push_known(&mut made, Key::EventType, Value::Str(event_type));
        frame::push_known(&mut made, Key::Prompt, Value::Str("p".repeat(filler)));
        frame::end(&mut made).expect("short");
        made
    };
    let large = CAPACITY / 4;
    let all = [
        frame(1, "a", 0),
        frame(1, "a", 1),
        frame(1, "b", large),
        frame(2, "a", 0),
        frame(2, "b", 0),
    ];
    let head = |seq, micros, event_type: &str| {
        let timestamp = DateTime::from_timestamp_micros(micros).expect("a time");
        let event_type = event_type.to_owned();
        let head = RecordHead {
            timestamp,
            event_type,
        };
        (seq, head)
    };
    let written = [
        head(7, 1, "a"),
        head(8, 1, "a"),
        head(9, 1, "b"),
        // One of the trail's own.
        head(10, 2, "trail_sealed"),
        head(11, 2, "a"),
        head(12, 2, "b"),
    ];
    // How many records are in the trail, and how many entries these are.
    for (records, entries) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5)] {
        // Marked are none of the entries that are not released, the first one, or two. And no batch was written before.
        for (marked, is_first) in [(0, true), (0, false), (1, false), (2, false)] {
            let _ = fs::remove_file(&path);
            let (journal, _) = open_after(&path, CAPACITY, Some(6), &[]);
            if !is_first {
                journal.append(&frame(0, "a", 0), NO_WAIT).expect("room");
                journal.mark(0, 1, 6);
                let _ = journal.release(journal.tail());
            }
            let begin = journal.tail();
            for frame in &all {
                journal.append(frame, NO_WAIT).expect("room");
            }
            if marked > 0 {
                journal.mark(begin, marked, 7);
            }
            drop(journal);
            let (last, written) = (Some(6 + records), &written[..records as usize]);
            // A process that dies while it opens the journal changes nothing for the next one.
            let mut ring = Ring::open(&path).expect("readable").expect("a ring");
            recover(&mut ring, last, &mut records_from(written));
            drop(ring);
            let (journal, recovered) = open_after(&path, CAPACITY, last, written);
            assert_eq!(
                frames(&journal, journal.head()),
                all[entries..],
                "{records}"
            );
            assert_eq!(recovered.replayed, (all.len() - entries) as u64);
            assert_eq!(recovered.damaged_bytes, 0);
        }
    }
}

#[test]
fn behind_an_entry_that_became_a_gap_the_trail_is_looked_at_on() {
    const CAPACITY: usize = 1 << 10;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal");
    let frame = |micros: i64| {
        let mut made = Vec::new();
        frame::begin(&mut made, micros);
        frame::push_known(&mut made, Key::EventType, Value::Str("e"));
        frame::end(&mut made).expect("short");
        made
    };
    let head = |event_type: &str, micros| RecordHead {
        timestamp: DateTime::from_timestamp_micros(micros).expect("a time"),
        event_type: event_type.to_owned(),
    };
    let (e, gap) = (|micros| head("e", micros), head("trail_gap", 9));
    let all: Vec<_> = (0..6).map(frame).collect();
    // What stands in the trail, and how many of the entries are in it.
    let cases = [
        (vec![e(0), gap.clone(), e(2)], 3),
        (vec![gap.clone(), gap.clone(), e(2), gap.clone(), e(4)], 5),
        // A gap that tells of something else: no entry has become it.
        (vec![gap.clone(), e(0), gap.clone(), e(1)], 2),
        (vec![gap.clone(), e(0), e(1), e(2), e(3), e(4), e(5)], 6),
        // Nothing stands behind it that says so.
        (vec![e(0), e(1), gap.clone()], 2),
        // Without a gap none is passed over.
        (vec![e(0), e(2)], 1),
        (vec![e(0), gap, e(3)], 1),
    ];
    for (record_heads, entries) in cases {
        let _ = fs::remove_file(&path);
        let (journal, _) = open_after(&path, CAPACITY, Some(6), &[]);
        for frame in &all {
            journal.append(frame, NO_WAIT).expect("room");
        }
        drop(journal);
        let written: Vec<_> = (7..).zip(record_heads).collect();
        let last = Some(6 + written.len() as u64);
        let (journal, recovered) = open_after(&path, CAPACITY, last, &written);
        assert_eq!(
            frames(&journal, journal.head()),
            all[entries..],
            "{written:?}"
        );
        assert_eq!(recovered.replayed, (all.len() - entries) as u64);
    }
}
