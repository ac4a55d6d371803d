//! What stands in front of a seal and behind the last one: bytes in, findings out.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::small::{Small, findings, frontier};
use crate::common::test_trail::{TestTrail, line, origin};

const NOT_CLOSED: &str = "whether anything was written behind record";

#[test]
fn the_checkpoint_beside_the_trail_proves_what_its_seal_covered() {
    let cut = || {
        let mut trail = TestTrail::closed();
        trail.remove(10);
        trail
    };
    let behind_9 = "whether anything was written behind record 9:";
    let found = ["cut 10 -"];
    cut().expect("its seal is cut off", &found, &[(0, 10)], &[behind_9]);
    let detail = &cut().verify().findings[0].detail;
    assert_eq!(
        *detail,
        "the checkpoint beside the trail is of seal 3 over 10 records; the trail ends with seal 2 and record 9"
    );

    let waiting = ["records 8 to 9 are not sealed yet: 2", behind_9];
    let mut changed = cut();
    changed.change(8);
    changed.expect(
        "a record is changed",
        &["changed 7 -", "cut 10 -"],
        &[(0, 8)],
        &waiting,
    );
    let detail = &changed.verify().findings[0].detail;
    assert_eq!(
        *detail,
        "records 7 to 9 are not those of the checkpoint beside the trail"
    );

    // Signed by a key that the last seal does not name, or with another number: it proves nothing.
    for change in [
        (|trail: &mut TestTrail| trail.next.signer = 7) as fn(&mut TestTrail),
        |trail| trail.next.number = 5,
    ] {
        let mut signed = TestTrail::closed();
        signed.next = TestTrail::new().next;
        signed.next.number = 3;
        signed.next.signer = 4;
        change(&mut signed);
        let (_, root) = frontier(&signed.leaves[..10]);
        let mut trail = cut();
        trail.checkpoint = Some(signed.note("closed", 10, &root, ""));
        trail.expect("by somebody else", &found, &[(0, 8)], &waiting);
    }
    // In another name, it is another trail's.
    let mut trail = cut();
    let mut signed = trail.clone();
    signed.next.origin = origin(4);
    (signed.next.number, signed.next.signer) = (3, 4);
    let (_, root) = frontier(&signed.leaves[..10]);
    trail.checkpoint = Some(signed.note("closed", 10, &root, ""));
    trail.expect("another name", &found, &[(0, 8)], &waiting);
    let detail = &trail.verify().findings[0].detail;
    assert!(
        detail.contains("or another trail's checkpoint was put there"),
        "{detail}"
    );

    // A record in front of its end is missing: nothing can be compared.
    let mut trail = cut();
    trail.remove(8);
    let found = ["removed 8 audit:4", "cut 10 -"];
    let waiting = ["records 8 to 9 are not sealed yet: 2", behind_9];
    trail.expect("one is missing", &found, &[(0, 8)], &waiting);
}

#[test]
fn a_cut_is_told_at_the_first_record_that_is_missing() {
    let cut_to = |left: usize| {
        let mut trail = TestTrail::closed();
        (left..11).for_each(|seq| trail.remove(seq));
        trail
    };
    let behind = |seq: u64| format!("whether anything was written behind record {seq}:");
    cut_to(9).expect(
        "behind a record",
        &["cut 9 -"],
        &[(0, 8)],
        &["record 8 is not sealed yet", &behind(8)],
    );
    cut_to(8).expect("behind a seal", &["cut 8 -"], &[(0, 8)], &[&behind(7)]);
    cut_to(7).expect(
        "behind the record in front of it",
        &["cut 7 -"],
        &[(0, 5)],
        &["records 5 to 6 are not sealed yet: 2", &behind(6)],
    );
    cut_to(5).expect("with a file", &["cut 5 -"], &[(0, 5)], &[&behind(4)]);
    // Nothing tells that anything is missing.
    let mut unknown = cut_to(9);
    unknown.checkpoint = None;
    let open = ["record 8 is not sealed yet", &behind(8)];
    unknown.expect("without a checkpoint", &[], &[(0, 8)], &open);

    // Others stand where the seal of the checkpoint stood.
    let mut others = TestTrail::closed();
    others.remove(10);
    others.leaves.truncate(10);
    others.prompts(2);
    let open = ["records 10 to 11 are not sealed yet: 2", &behind(11)];
    others.expect("others", &["cut 10 -"], &[(0, 10)], &open);
    // A later seal was over less than the trail has: what is missing comes behind the last seal.
    let mut later = TestTrail::closed();
    later.checkpoint = Some(later.note("busy", 5, &[0; 32], ""));
    later.expect("over less", &["cut 11 -"], &[(0, 11)], &[]);
}

#[test]
fn records_that_stand_in_another_place_are_proven_all_the_same() {
    let all = [(0, 11)];
    let swapped = |one, other, found: &[&str]| {
        let mut trail = TestTrail::closed();
        trail.swap(one, other);
        trail.expect(&format!("{one} and {other}"), found, &all, &[]);
    };
    swapped(2, 3, &["reordered 2 1:4"]);
    // The record behind a seal stands in front of it.
    swapped(4, 5, &["reordered 5 1:5"]);
    swapped(7, 8, &["reordered 8 audit:3"]);
    // And further in front. One stands behind its own seal: what that covers is not proven.
    let mut trail = TestTrail::closed();
    trail.swap(3, 5);
    let found = ["reordered 3 audit:1", "reordered 5 1:4"];
    trail.expect("3 and 5", &found, &[(0, 1), (4, 11)], &[]);
    // Behind the last seal too.
    let mut trail = TestTrail::closed();
    trail.prompts(1);
    trail.swap(10, 11);
    let open = ["record 11 is not sealed yet", NOT_CLOSED];
    trail.expect("behind the last", &["reordered 11 audit:6"], &all, &open);

    // The first record stands behind its seal, which therefore proves nothing in front of it.
    let mut trail = TestTrail::closed();
    trail.swap(0, 1);
    trail.expect("0 and 1", &["reordered 0 1:2"], &[(1, 11)], &[]);

    // Twice, in another hand, or both: the one that was sealed is proven.
    let again = TestTrail::closed().leaves[2].clone();
    let mut trail = TestTrail::closed();
    trail.insert(4, &[&again[..], b"\n"].concat());
    trail.expect("twice", &["duplicated 2 1:5"], &all, &[]);
    let forged = line(2, "llm_response", &json!({}));
    for (behind, place) in [(2, "1:3"), (3, "1:4"), (4, "1:5")] {
        let mut trail = TestTrail::closed();
        trail.insert(behind, &[&forged[..], b"\n"].concat());
        let found = format!("inserted 2 {place}");
        trail.expect("another line", &[&found], &all, &[]);
    }
    // With the number of a record that comes behind a seal, or of that seal.
    for (seq, found) in [
        (5, "inserted 5 1:5"),
        (7, "inserted 7 1:5"),
        (10, "inserted 10 1:5"),
    ] {
        let forged = line(seq, "llm_response", &json!({}));
        let mut trail = TestTrail::closed();
        trail.insert(4, &[&forged[..], b"\n"].concat());
        trail.expect("too early", &[found], &all, &[]);
    }
    // Its number has changed: it is missing, and what is there comes from nowhere.
    let mut trail = TestTrail::closed();
    *trail.line_of(8) = [&line(30, "llm_response", &json!({}))[..], b"\n"].concat();
    let found = [
        "removed 8 audit:5",
        "removed 11 audit:4",
        "reordered 30 audit:4",
    ];
    let open = ["records 11 to 30 are not sealed yet: 20", NOT_CLOSED];
    trail.expect("another number", &found, &[(0, 7)], &open);
    let mut trail = TestTrail::closed();
    let forged = line(12, "llm_response", &json!({}));
    trail.insert(4, &[&forged[..], b"\n"].concat());
    let open = ["records 11 to 12 are not sealed yet: 2", NOT_CLOSED];
    let found = ["removed 11 1:5", "reordered 12 1:5"];
    trail.expect("behind the end", &found, &all, &open);
}

#[test]
fn records_that_were_written_anew_under_a_seal_are_found() {
    let written_anew = |listed: bool| {
        let mut trail = TestTrail::new();
        trail.opened();
        trail.seal("opened");
        trail.prompts(2);
        let mut others = trail.leaves.clone();
        others[3] = line(3, "user_prompt", &json!({ "prompt": "another" }));
        if listed {
            // As the seal lists it, the record is not the one that is there.
            std::mem::swap(&mut trail.leaves[3], &mut others[3]);
            trail.seal("busy");
            std::mem::swap(&mut trail.leaves[3], &mut others[3]);
        } else {
            trail.seal_tree_of("busy", &others);
        }
        trail.prompts(1);
        trail.seal("closed");
        trail
    };
    // Four bytes of the hash of a record may agree, and its key be stolen: only the tree proves.
    let trail = written_anew(false);
    let verified = trail.verify();
    assert_eq!(findings(&verified)[0], "changed 1 audit:2", "{verified:#?}");
    let detail = &verified.findings[0].detail;
    assert_eq!(
        *detail,
        "records 1 to 3 are not what was sealed: they were written anew"
    );
    assert_eq!(verified.proven[0], (0, 1), "{verified:#?}");
    let listed = written_anew(true).verify();
    assert_eq!(findings(&listed)[0], "changed 3 audit:4", "{listed:#?}");
}

#[test]
fn what_stands_there_again_is_known_from_far_before() {
    // The table of known lines begins with so many, and doubles.
    const FIRST: u64 = 4_096;
    let mut trail = TestTrail::new();
    trail.opened();
    trail.seal("opened");
    trail.prompts(2 * FIRST + 10);
    let again = [
        0,
        2,
        FIRST - 1,
        FIRST,
        FIRST + 1,
        2 * FIRST - 1,
        2 * FIRST,
        2 * FIRST + 1,
    ];
    for seq in again {
        trail.again(seq as usize..seq as usize + 1);
    }
    trail.seal("closed");
    let first = trail.size();
    let found: Vec<_> = again
        .iter()
        .zip(first..)
        .map(|(seq, line)| format!("duplicated {seq} audit:{line}"))
        .collect();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    trail.expect("from far before", &found, &[(0, first)], &[]);
}

#[test]
fn only_the_record_in_front_of_the_seal_of_a_pruning_tells_of_one() {
    let pruned = |then: &dyn Fn(&mut TestTrail)| {
        let mut trail = TestTrail::closed();
        trail.opened();
        let removed = json!({ "files": [{ "first_seq": 0, "last_seq": 4 }] });
        trail.own("trail_pruned", &removed);
        then(&mut trail);
        trail.own("trail_closed", &json!({}));
        trail.seal("closed");
        trail.files.remove(0);
        trail
    };
    let unproven = ["whether records 5 to 6 are what was written"];
    let removed = ["removed 0 audit:1"];
    let expect = |what: &str, trail: TestTrail, found: &[&str]| {
        let all = [(7, trail.size())];
        trail.expect(what, found, &all, &unproven);
        let told = &trail.verify().notices;
        let retention = ["retention has removed the 5 records in front"];
        assert_eq!(*told, retention[usize::from(!found.is_empty())..], "{what}");
    };
    expect("it is one", pruned(&|trail| trail.seal("pruned")), &[]);
    expect(
        "another seal",
        pruned(&|trail| trail.seal("busy")),
        &removed,
    );
    let further = pruned(&|trail| {
        trail.prompts(1);
        trail.seal("pruned");
    });
    expect("not in front of it", further, &removed);
    expect("no seal but the last", pruned(&|_| {}), &removed);
    // What is gone was not sealed before, and the first seal lists it.
    let mut late = TestTrail::new();
    late.prompts(3);
    late.begin_file();
    late.prompts(2);
    late.seal("opened");
    let removed_file = json!({ "files": [{ "first_seq": 0, "last_seq": 2 }] });
    late.own("trail_pruned", &removed_file);
    late.seal("pruned");
    late.own("trail_closed", &json!({}));
    late.seal("closed");
    late.expect("nothing gone", &[], &[(0, 10)], &[]);
    late.files.remove(0);
    late.expect("sealed late", &[], &[(5, 10)], &[]);
    // It tells of less than is gone.
    let mut more = pruned(&|trail| trail.seal("pruned"));
    more.remove(5);
    let found = ["removed 0 audit:1"];
    let unproven = ["whether records 6 to 6 are what was written"];
    more.expect("less", &found, &[(7, more.size())], &unproven);
}

#[test]
fn many_hostile_lines_take_no_more_time_than_many_lines() {
    const FEW: u64 = 5_000;
    /// What is linear in the number of lines takes so many times as long, what is quadratic 400 times.
    const TIMES: u64 = 20;
    const MOST: u32 = 100;
    let small = Small::new();
    let end = small.lines().len() as u64;
    let record = |seq: u64| line(seq, "e", &json!({}));
    type Lines<'a> = &'a dyn Fn(u64) -> Vec<Vec<u8>>;
    type Count<'a> = &'a dyn Fn(u64) -> u64;
    let behind = |lines: Vec<Vec<u8>>| [small.files[3].1.clone(), lines].concat();
    let usual: Lines = &|count| behind((end..end + count).map(record).collect());
    // Lines that are no records in front of one with a hole before it: each may have been one of those that
    // are missing.
    let foreign: Lines = &|count| {
        let mut lines = vec![b"x".to_vec(); count as usize];
        lines.push(record(end + 10 * count));
        behind(lines)
    };
    // Records that belong behind the seal that they stand in front of, with a hole before them.
    let early: Lines = &|count| {
        let mut lines = small.files[3].1.clone();
        let seal = lines.len() - 1;
        lines.splice(seal..seal, (end + 10..end + 10 + count).map(record));
        lines
    };
    // Every line stands there twice.
    let twice: Lines = &|count| {
        let seqs = end..end + count / 2;
        behind(seqs.flat_map(|seq| [record(seq), record(seq)]).collect())
    };
    // Another line has the number of each.
    let twins: Lines = &|count| {
        let other = |seq: u64| line(seq, "other", &json!({}));
        let seqs = end..end + count / 2;
        behind(seqs.flat_map(|seq| [record(seq), other(seq)]).collect())
    };
    let kinds: [(&str, Lines, Count); 5] = [
        ("usual", usual, &|_| 0),
        ("foreign", foreign, &|count| count + 1),
        ("early", early, &|count| count + 1),
        ("twice", twice, &|count| count / 2),
        ("twins", twins, &|count| count / 2),
    ];
    for (what, lines, found) in kinds {
        let timed = |count: u64| {
            let lines = lines(count);
            small.with(&[(3, lines)], || {
                let begun = Instant::now();
                let verified = small.verify();
                let took = begun.elapsed();
                assert_eq!(verified.findings.len() as u64, found(count), "{what}");
                took
            })
        };
        let few = timed(FEW).max(Duration::from_millis(10));
        let many = timed(FEW * TIMES);
        assert!(many < MOST * few, "{what}: {few:?}, and {many:?}");
    }
}

#[test]
fn nothing_is_vouched_for_after_a_writer_of_another_format() {
    for (format, is_sealed) in [(1, true), (2, true), (2, false)] {
        let mut trail = TestTrail::closed();
        trail.own("trail_opened", &json!({ "format": format }));
        if is_sealed {
            trail.seal("opened");
        }
        let verified = trail.verify();
        let expected = "what follows record 11: written by format 2; this reads format 1";
        let unchecked: &[&str] = if format == 2 { &[expected] } else { &[] };
        assert_eq!(verified.unchecked, unchecked, "{verified:#?}");
        assert_eq!(verified.is_intact(), format == 1);
    }
}
