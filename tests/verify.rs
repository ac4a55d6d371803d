//! Every way to tamper with a small trail, tried at every place: each is caught and named.

use std::collections::BTreeMap;
use std::fs;

use stinger_audit::emit::prompt;
use stinger_audit::read::{Trail, VerifyOptions, VerifyReport};

mod common;
#[path = "verify/signed.rs"]
mod signed;

use common::small::{Small, bytes, findings, verify, write_on};

#[test]
fn a_trail_without_a_checkpoint_says_so_and_a_pattern_that_it_names_several() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = |file: &str| {
        stinger_audit::to(dir.path().join(file))
            .sealing(false)
            .open()
    };
    for file in ["app-1.log", "app-2.log"] {
        open(file).expect("a trail").close().expect("closed");
    }
    for (name, says) in [
        (
            "app-1.log",
            "there is no seal in it, and no checkpoint beside it",
        ),
        (
            "app-{pid}.log",
            "these are several trails; name one of them",
        ),
    ] {
        let trail = Trail::open(dir.path().join(name)).expect("trails");
        let error = trail.checkpoint().expect_err("none").to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
}

/// Exactly this is found.
#[track_caller]
fn assert_found(verified: &VerifyReport, found: &[&str], what: &str) {
    assert_eq!(findings(verified), found, "{what}: {verified:#?}");
}

fn is_proven(verified: &VerifyReport, seq: u64) -> bool {
    let mut ranges = verified.proven.iter();
    ranges.any(|(from, to)| (*from..*to).contains(&seq))
}

#[test]
fn a_trail_that_nobody_touched_is_intact() {
    let small = Small::new();
    let verified = small.verify();
    assert!(verified.is_intact(), "{verified:#?}");
    let records = small.lines().len() as u64;
    assert_eq!(verified.records, records);
    assert_eq!(verified.proven, [(0, records)], "with the last seal itself");
    // Nothing is open but whose key it is.
    assert_eq!(verified.unknown.len(), 1, "{:?}", verified.unknown);
    let key = verified.key.expect("a key");
    let first = String::from_utf8(small.files[0].1[0].clone()).expect("UTF-8");
    assert!(first.contains(&key), "{first}");
    let pinned = VerifyOptions::new().key(&key).expect("a key");
    let trail = Trail::open(small.path()).expect("a trail");
    let verified = trail.verify(&pinned).expect("verified");
    assert!(
        verified.is_intact() && verified.unknown.is_empty(),
        "{verified:#?}"
    );
}

#[test]
fn every_byte_that_is_flipped_is_caught() {
    let small = Small::new();
    let lines = small.lines();
    let last = lines.len() - 1;
    let mut flipped = 0;
    for (seq, &(file, line)) in lines.iter().enumerate() {
        let (path, all) = &small.files[file];
        let whole = bytes(all);
        let begin = bytes(&all[..line]).len();
        let text = String::from_utf8(all[line].clone()).expect("UTF-8");
        let number = seq.to_string();
        let digits = 7..7 + number.len();
        let mark = ",\"event_type\":\"trail_sealed\",";
        let mark = text.find(mark).map_or(0..0, |at| at..at + mark.len());
        let here = small.place((file, line));
        // In the file as it is then: the line behind it is a part of it.
        let joined = match line + 2 < all.len() {
            true => small.place((file, line + 1)),
            false => small.place((file + 1, 0)),
        };
        let cut = format!("cut {last} -");
        for at in 0..=text.len() {
            let mut bad = whole.clone();
            bad[begin + at] ^= 1;
            fs::write(path, &bad).expect("written");
            let verified = small.verify();
            let what = format!("byte {at} of record {seq}");
            assert!(!is_proven(&verified, seq as u64), "{what}: {verified:#?}");
            flipped += 1;
            let is_begin = at <= digits.end;
            let is_feed = at == text.len();
            let changed = format!("changed {seq} {here}");
            let inserted = format!("inserted - {here}");
            // A number with a zero in front is none.
            let claimed = String::from_utf8_lossy(&bad[begin..][digits.clone()]).into_owned();
            let is_number = claimed.len() == 1 || !claimed.starts_with('0');
            if digits.contains(&at) && is_number {
                // It says that it is another record.
                let found = findings(&verified);
                let claims = ["inserted", "changed", "reordered"];
                let claims = claims.map(|kind| format!("{kind} {claimed} {here}"));
                let missing = format!("removed {seq} ");
                let has = |is_it: &dyn Fn(&String) -> bool| found.iter().any(is_it);
                assert!(
                    has(&|found| claims.contains(found)),
                    "{what}: {verified:#?}"
                );
                let is_missing = |found: &String| *found == cut || found.starts_with(&missing);
                assert!(has(&is_missing), "{what}: {verified:#?}");
                // Where the number lies behind the end, records in between are missing.
                let numbers = [seq.to_string(), claimed, lines.len().to_string()];
                let of_others = |found: &String| {
                    let number = found.split(' ').nth(1).expect("a number");
                    !numbers.iter().any(|known| known == number)
                };
                assert!(!has(&of_others), "{what}: {verified:#?}");
                continue;
            }
            let found: &[&str] = match seq == last {
                // Behind the last seal nothing tells that it was one, but the checkpoint beside the trail.
                true if is_feed || mark.contains(&at) => &[&cut],
                true if is_begin || at + 1 == text.len() => &[&inserted, &cut],
                true => &[&changed, &cut],
                false if !is_feed => &[&changed],
                // The last line of a file: the file ends within it.
                false if line + 1 == all.len() => {
                    let next = small.place((file + 1, 0));
                    &[&format!("removed {seq} {next}"), &inserted]
                }
                // Only the checkpoint tells that what is in front of the last seal, which is lost, has changed.
                false if seq + 1 == last => &["changed 19 -", &cut],
                false => &[&changed, &format!("removed {} {joined}", seq + 1)],
            };
            assert_found(&verified, found, &what);
        }
        fs::write(path, &whole).expect("written");
    }
    assert!(flipped > 8_000, "{flipped} bytes");
}

#[test]
fn every_line_that_is_removed_doubled_swapped_or_added_is_caught() {
    let small = Small::new();
    let lines = small.lines();
    let last = lines.len() - 1;
    let all = small.whole();
    let is_seal = |seq: usize| {
        let line = String::from_utf8_lossy(&all[seq]);
        line.contains("\"event_type\":\"trail_sealed\"")
    };
    for (seq, &(file, line)) in lines.iter().enumerate() {
        let whole = &small.files[file].1;
        let place = |line: usize| small.place((file, line));

        let mut removed = whole.clone();
        removed.remove(line);
        let verified = small.with(&[(file, removed)], || small.verify());
        // Missed where the next record is.
        let found = match lines.get(seq + 1) {
            None => format!("cut {seq} -"),
            Some((next, _)) if *next == file => format!("removed {seq} {}", place(line)),
            Some(next) => format!("removed {seq} {}", small.place(*next)),
        };
        assert_found(&verified, &[&found], "removed");

        let mut doubled = whole.clone();
        doubled.insert(line, whole[line].clone());
        let verified = small.with(&[(file, doubled)], || small.verify());
        let found = format!("duplicated {seq} {}", place(line + 1));
        assert_found(&verified, &[&found], "duplicated");

        // Again somewhere else: at the end of each file.
        for other in 0..small.files.len() {
            let mut again = small.files[other].1.clone();
            let there = small.place((other, again.len()));
            again.push(whole[line].clone());
            let verified = small.with(&[(other, again)], || small.verify());
            if other >= file {
                assert_found(&verified, &[&format!("duplicated {seq} {there}")], "again");
                continue;
            }
            // In an earlier file it is the one in front that is taken for it; a seal says there what is missing.
            let found = findings(&verified);
            let doubled = format!("duplicated {seq} {}", place(line));
            let changed = format!("changed {seq} {there}");
            let is_it = |found: &String| *found == doubled || is_seal(seq) && *found == changed;
            assert!(found.iter().any(is_it), "{seq} in front: {verified:#?}");
        }

        for added in [
            b"a line of somebody's".to_vec(),
            b"{\"seq\":".to_vec(),
            b"".to_vec(),
        ] {
            let mut more = whole.clone();
            more.insert(line, added);
            let verified = small.with(&[(file, more)], || small.verify());
            assert_found(
                &verified,
                &[&format!("inserted - {}", place(line))],
                "added",
            );
        }
        let forged = format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00.000000Z\",\"event_type\":\"user_prompt\",\"prompt\":\"forged\"}}"
        );
        for line in [line, line + 1] {
            let mut more = whole.clone();
            more.insert(line, forged.clone().into_bytes());
            let verified = small.with(&[(file, more)], || small.verify());
            let found = format!("inserted {seq} {}", place(line));
            assert_found(&verified, &[&found], "forged");
        }

        if seq == last {
            continue;
        }
        let (next_file, next_line) = lines[seq + 1];
        let mut swapped: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        for file in [file, next_file] {
            swapped.insert(file, small.files[file].1.clone());
        }
        let other = small.files[next_file].1[next_line].clone();
        let one = std::mem::replace(&mut swapped.get_mut(&file).expect("it")[line], other);
        swapped.get_mut(&next_file).expect("it")[next_line] = one;
        let swapped: Vec<_> = swapped.into_iter().collect();
        let verified = small.with(&swapped, || small.verify());
        let found = match is_seal(seq) {
            true => format!("reordered {} {}", seq + 1, place(line)),
            false => format!("reordered {seq} {}", small.place((next_file, next_line))),
        };
        assert_found(&verified, &[&found], "swapped");
    }
}

#[test]
fn every_file_that_is_removed_is_missed() {
    let small = Small::new();
    for first in 0..small.files.len() {
        for count in [1, 2] {
            let gone = first..(first + count).min(small.files.len());
            let removed: Vec<_> = gone.clone().map(|file| (file, Vec::new())).collect();
            let verified = small.with(&removed, || small.verify());
            let seq = small.seq((first, 0));
            let found = match gone.end == small.files.len() {
                true => format!("cut {seq} -"),
                false => format!("removed {seq} {}", small.place((gone.end, 0))),
            };
            assert_found(&verified, &[&found], &format!("files {gone:?} removed"));
        }
    }
}

#[test]
fn every_cut_at_the_end_is_caught_or_told_to_be_unknown() {
    let small = Small::new();
    let checkpoint = fs::read(small.checkpoint()).expect("a checkpoint");
    let kept = String::from_utf8(checkpoint.clone()).expect("UTF-8");
    let against = VerifyOptions::new()
        .checkpoint(&kept)
        .expect("a checkpoint");
    let key = fs::read(small.dir.path().join("audit.log.sealkey")).expect("a key");
    let (file, (path, lines)) = (3, &small.files[3]);
    let whole = bytes(lines);
    let first = small.seq((file, 0));
    for length in 1..whole.len() {
        fs::write(path, &whole[..length]).expect("cut");
        // A line that lacks nothing but its line feed is a record.
        let is_left = |left: &usize| bytes(&lines[..*left]).len() <= length + 1;
        let left = (0..=lines.len()).rev().find(is_left).expect("none is left");
        let missing = first + left as u64;
        let what = format!("{length} bytes left");
        let verified = small.verify();
        match left == lines.len() {
            true => assert_found(&verified, &[], &what),
            false => assert_found(&verified, &[&format!("cut {missing} -")], &what),
        }
        // Without what stands beside it the trail cannot know, and says so.
        fs::remove_file(small.checkpoint()).expect("removed");
        let verified = small.verify();
        assert_found(&verified, &[], &what);
        let is_told = verified.unknown.iter().any(|unknown| {
            unknown.contains("behind record")
                || unknown.contains("lacks its line feed")
                || unknown.contains("has no end")
        });
        assert!(is_told, "{what}: {verified:#?}");
        // Somebody who has kept it knows.
        let trail = Trail::open(small.path()).expect("a trail");
        let verified = trail.verify(&against).expect("verified");
        match left == lines.len() {
            true => assert_found(&verified, &[], &what),
            false => assert_found(&verified, &[&format!("rolled back {missing} -")], &what),
        }
        fs::write(small.checkpoint(), &checkpoint).expect("written");
    }
    fs::write(path, &whole).expect("written");

    // And with writing on, at the end of every line, by a writer that knows nothing of it.
    for left in 1..lines.len() {
        for beside in [true, false] {
            fs::write(path, bytes(&lines[..left])).expect("cut");
            if !beside {
                fs::remove_file(small.checkpoint()).expect("removed");
            }
            write_on(&small.path());
            let now = fs::read_to_string(path).expect("readable");
            assert!(now.contains("trail_seal_broken"), "the writer says so, too");
            // The first seal that was written then is not the one that follows the last that is left.
            let is_seal = |line: &str| line.contains("\"event_type\":\"trail_sealed\"");
            let next = now.lines().skip(left).position(is_seal);
            let next = small.place((file, left + next.expect("a seal")));
            let missing = match left {
                1 => first,
                _ => first + 2,
            };
            let what = format!("{left} lines left, {beside}");
            assert_found(&small.verify(), &[&format!("cut {missing} {next}")], &what);
            fs::write(path, &whole).expect("written");
            fs::write(small.checkpoint(), &checkpoint).expect("written");
            fs::write(small.dir.path().join("audit.log.sealkey"), &key).expect("written");
        }
    }
    assert!(small.verify().is_intact());
}

#[test]
fn a_trail_is_verified_from_a_stream_while_it_lives_and_behind_retention() {
    // A stream, with lines of others in it.
    let small = Small::new();
    let lines = small.files.iter().flat_map(|(_, lines)| lines.clone());
    let mixed: Vec<u8> = lines
        .flat_map(|line| [b"starting\n".to_vec(), line, b"\n".to_vec()].concat())
        .collect();
    let verified = Trail::verify_lines(std::io::Cursor::new(mixed.clone()), &VerifyOptions::new());
    assert!(verified.expect("sealed").is_intact());
    let bad = String::from_utf8(mixed)
        .expect("UTF-8")
        .replacen("prompt 1", "prompt 2", 1);
    let verified = Trail::verify_lines(std::io::Cursor::new(bad), &VerifyOptions::new());
    assert_found(
        &verified.expect("sealed"),
        &["changed 3 standard input:8"],
        "changed",
    );

    // A live one.
    let bench = common::Bench::new();
    for number in 0..3_000 {
        let text = number.to_string();
        bench.audit.log(prompt(&text)).expect("recorded");
        if number % 100 == 0 {
            let verified = verify(&bench.path());
            assert!(verified.is_intact(), "{verified:#?}");
        }
    }

    // Pruned: the oldest two files go, and the trail says so.
    let (small, _) = Small::pruned();
    let verified = verify(&small.path());
    assert!(verified.is_intact(), "{verified:#?}");
    assert!(
        verified
            .notices
            .iter()
            .any(|notice| notice.contains("retention")),
        "{verified:#?}"
    );
    let last = verified.proven.last().expect("proven").1;
    assert!(
        last > small.lines().len() as u64 && verified.proven[0].0 > 0,
        "{verified:#?}"
    );
}
