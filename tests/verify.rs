//! Every way to tamper with a small trail, tried at every place: each is caught and named.

use std::collections::BTreeMap;
use std::fs;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use signed_note::{Note, StandardVerifier, VerifierList};
use stinger_audit::read::{Evidence, TamperingKind as Kind, Trail, Verified, Verify};
use stinger_audit::{Rotation, prompt};

mod common;
use common::small::{Forger, RECORDS, Small, bytes, files, key_of, verify, write_on};

/// Something was found of this record, of one of these kinds.
#[track_caller]
fn assert_found(verified: &Verified, kinds: &[Kind], seq: u64, what: &str) {
    let found = &verified.findings;
    assert!(
        found
            .iter()
            .any(|found| kinds.contains(&found.kind) && found.seq == Some(seq)),
        "{what}: {kinds:?} of record {seq} expected: {found:#?}"
    );
    let is_proven = verified
        .proven
        .iter()
        .any(|(from, to)| (*from..*to).contains(&seq));
    let is_changed = kinds == [Kind::Changed];
    assert!(!(is_changed && is_proven), "{what}: {verified:#?}");
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
    let pinned = Verify::new().key(&key).expect("a key");
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
    let last = small.lines().len() - 1;
    let mut flipped = 0;
    for (file, (path, lines)) in small.files.iter().enumerate() {
        let whole = bytes(lines);
        let (mut line, mut begin) = (0, 0);
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            fs::write(path, &bad).expect("written");
            let verified = small.verify();
            let seq = small.seq((file, line));
            let what = format!("byte {at} of {}, in record {seq}", path.display());
            assert!(!verified.is_intact(), "{what}: {verified:#?}");
            let named = verified.findings.iter().any(|found| {
                // Of the last two lines nothing may be there to tell their numbers by.
                found.seq == Some(seq) || seq + 1 >= last as u64 && found.kind == Kind::Cut
            });
            assert!(named, "{what}: {verified:#?}");
            let is_proven = |(from, to): &(u64, u64)| (*from..*to).contains(&seq);
            assert!(
                !verified.proven.iter().any(is_proven),
                "{what}: {verified:#?}"
            );
            flipped += 1;
            if whole[at] == b'\n' {
                (line, begin) = (line + 1, at + 1);
            }
        }
        assert_eq!((line, begin), (lines.len(), whole.len()));
        fs::write(path, &whole).expect("written");
    }
    assert!(flipped > 8_000, "{flipped} bytes");
}

#[test]
fn every_line_that_is_removed_doubled_swapped_or_added_is_caught() {
    let small = Small::new();
    let lines = small.lines();
    let count = lines.len();
    for (index, &(file, line)) in lines.iter().enumerate() {
        let seq = small.seq((file, line));
        let is_last = index + 1 == count;
        let whole = &small.files[file].1;

        let mut removed = whole.clone();
        removed.remove(line);
        let verified = small.with(&[(file, removed)], || small.verify());
        let kinds = [if is_last { Kind::Cut } else { Kind::Removed }];
        assert_found(&verified, &kinds, seq, "removed");

        let mut doubled = whole.clone();
        doubled.insert(line, whole[line].clone());
        let verified = small.with(&[(file, doubled)], || small.verify());
        assert_found(&verified, &[Kind::Doubled], seq, "doubled");

        // Again somewhere else: at the end of each file.
        for other in 0..small.files.len() {
            let mut again = small.files[other].1.clone();
            again.push(whole[line].clone());
            let verified = small.with(&[(other, again)], || small.verify());
            // In an earlier file it is the one in front.
            let kinds = [Kind::Doubled, Kind::Reordered];
            assert_found(&verified, &kinds, seq, "again in another place");
        }

        for added in [
            b"a line of somebody's".to_vec(),
            b"{\"seq\":".to_vec(),
            b"".to_vec(),
        ] {
            let mut more = whole.clone();
            more.insert(line, added);
            let verified = small.with(&[(file, more)], || small.verify());
            let is_it = |found: &&stinger_audit::read::Tampering| {
                let position = found.position.as_ref();
                found.kind == Kind::Inserted
                    && position.is_some_and(|position| position.line == line as u64 + 1)
            };
            assert!(
                verified.findings.iter().any(|found| is_it(&found)),
                "{verified:#?}"
            );
        }
        let forged = format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00.000000Z\",\"event_type\":\"user_prompt\",\"prompt\":\"forged\"}}"
        );
        for place in [line, line + 1] {
            let mut more = whole.clone();
            more.insert(place, forged.clone().into_bytes());
            let verified = small.with(&[(file, more)], || small.verify());
            assert_found(&verified, &[Kind::Inserted], seq, "forged");
        }

        let Some(&(next_file, next_line)) = lines.get(index + 1) else {
            continue;
        };
        let mut swapped: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        for file in [file, next_file] {
            swapped.insert(file, small.files[file].1.clone());
        }
        let other = small.files[next_file].1[next_line].clone();
        let one = std::mem::replace(&mut swapped.get_mut(&file).expect("it")[line], other);
        swapped.get_mut(&next_file).expect("it")[next_line] = one;
        let swapped: Vec<_> = swapped.into_iter().collect();
        let verified = small.with(&swapped, || small.verify());
        let is_named = verified.findings.iter().any(|found| {
            found.kind == Kind::Reordered && (found.seq == Some(seq) || found.seq == Some(seq + 1))
        });
        assert!(
            is_named,
            "record {seq} swapped with the next: {verified:#?}"
        );
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
            let kind = match gone.end == small.files.len() {
                true => Kind::Cut,
                false => Kind::Removed,
            };
            assert_found(&verified, &[kind], seq, &format!("files {gone:?} removed"));
        }
    }
}

#[test]
fn every_cut_at_the_end_is_caught_or_told_to_be_unknown() {
    let small = Small::new();
    let checkpoint = fs::read(small.checkpoint()).expect("a checkpoint");
    let kept = String::from_utf8(checkpoint.clone()).expect("UTF-8");
    let against = Verify::new().against(&kept).expect("a checkpoint");
    let key = fs::read(small.dir.path().join("audit.log.sealkey")).expect("a key");
    let (file, (path, lines)) = (3, &small.files[3]);
    let whole = bytes(lines);
    for length in 1..whole.len() {
        fs::write(path, &whole[..length]).expect("cut");
        let is_only_its_end = length + 1 == whole.len();
        let verified = small.verify();
        let is_cut = verified
            .findings
            .iter()
            .any(|found| found.kind == Kind::Cut);
        assert!(
            is_cut || is_only_its_end,
            "{length} bytes left: {verified:#?}"
        );
        // Without what stands beside it the trail cannot know, and says so.
        fs::remove_file(small.checkpoint()).expect("removed");
        let verified = small.verify();
        let is_told = verified.unknown.iter().any(|unknown| {
            unknown.contains("behind record")
                || unknown.contains("lacks its line feed")
                || unknown.contains("has no end")
        });
        assert!(is_told, "{length} bytes left: {verified:#?}");
        // Somebody who has kept it knows.
        let trail = Trail::open(small.path()).expect("a trail");
        let verified = trail.verify(&against).expect("verified");
        let is_back = verified
            .findings
            .iter()
            .any(|found| found.kind == Kind::RolledBack);
        let had = lines.len() as u64 + small.seq((file, 0));
        let is_reached = length >= whole.len() - lines[lines.len() - 1].len() - 2;
        assert!(is_back || is_reached, "{length} of {had}: {verified:#?}");
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
            write_on(&small.path(), Rotation::DAILY);
            let verified = small.verify();
            assert!(
                verified.findings.iter().any(|found| {
                    matches!(found.kind, Kind::Cut | Kind::ReSigned | Kind::RolledBack)
                }),
                "{left} lines left, {beside}: {verified:#?}"
            );
            let now = fs::read_to_string(path).expect("readable");
            assert!(now.contains("trail_seal_broken"), "the writer says so, too");
            fs::write(path, &whole).expect("written");
            fs::write(small.checkpoint(), &checkpoint).expect("written");
            fs::write(small.dir.path().join("audit.log.sealkey"), &key).expect("written");
        }
    }
    assert!(small.verify().is_intact());
}

#[test]
fn a_tail_that_is_written_and_signed_anew_is_caught() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let key = dir.path().join("audit.log.sealkey");
    write_on(&path, Rotation::NEVER);
    let yesterdays = key_of(&key);
    let first = files(dir.path()).remove(0).1.len();
    write_on(&path, Rotation::MINUTELY);
    write_on(&path, Rotation::DAILY);
    let todays = key_of(&key);
    let small = Small {
        files: files(dir.path()),
        dir,
    };
    let whole = small.whole();
    let kept = fs::read_to_string(small.checkpoint()).expect("a checkpoint");
    let against = Verify::new().against(&kept).expect("a checkpoint");

    let forge = |key: &SigningKey, from: usize| {
        let mut lines = whole.clone();
        let text = String::from_utf8(lines[from].clone()).expect("UTF-8");
        lines[from] = text.replace("prompt", "pr0mpt").into_bytes();
        let forger = Forger { key: key.clone() };
        let mut forged = forger.sign(&lines, from).into_iter();
        let changed: Vec<_> = small
            .files
            .iter()
            .enumerate()
            .map(|(file, (_, lines))| (file, forged.by_ref().take(lines.len()).collect::<Vec<_>>()))
            .collect();
        small.with(&changed, || {
            let trail = Trail::open(small.path()).expect("a trail");
            let alone = trail.verify(&Verify::new()).expect("verified");
            (alone, trail.verify(&against).expect("verified"))
        })
    };
    let strangers = SigningKey::from_bytes(&[7; 32]);
    let prompts: Vec<usize> = (0..whole.len())
        .filter(|place| String::from_utf8_lossy(&whole[*place]).contains("\"prompt\":"))
        .collect();
    assert_eq!(prompts.len(), 3 * RECORDS);
    for from in prompts {
        for key in [&strangers, &todays, &yesterdays] {
            let (alone, against) = forge(key, from);
            let is_named = |verified: &Verified| {
                let mut findings = verified.findings.iter();
                findings.any(|found| matches!(found.kind, Kind::ReSigned | Kind::KeyReplaced))
            };
            assert!(is_named(&alone), "from {from}: {alone:#?}");
            assert!(is_named(&against), "from {from}: {against:#?}");
            // What is in front of it is proven all the same, and nothing behind it.
            let proven = alone.proven.iter().map(|(_, to)| *to).max().unwrap_or(0);
            assert!(proven <= from as u64, "from {from}: {alone:#?}");
            assert!(
                from < first || proven >= first as u64,
                "from {from}: {alone:#?}"
            );
        }
    }

    // Who has yesterday's key and signs with it the very next seal, and what follows with keys of his
    // own, makes a trail that agrees with itself. A checkpoint that was kept tells.
    let mut lines = whole.clone();
    let text = String::from_utf8(lines[first + 2].clone()).expect("UTF-8");
    lines[first + 2] = text.replace("prompt", "pr0mpt").into_bytes();
    let forged = Forger { key: yesterdays }.sign(&lines, first);
    let mut forged = forged.into_iter();
    let changed: Vec<_> = small
        .files
        .iter()
        .enumerate()
        .map(|(file, (_, lines))| (file, forged.by_ref().take(lines.len()).collect::<Vec<_>>()))
        .collect();
    small.with(&changed, || {
        let trail = Trail::open(small.path()).expect("a trail");
        let verified = trail.verify(&against).expect("verified");
        let is_told = |found: &stinger_audit::read::Tampering| found.kind == Kind::ReSigned;
        assert!(verified.findings.iter().any(is_told), "{verified:#?}");
    });
}

#[test]
fn a_forged_seal_over_any_number_of_records_is_a_finding_and_holds_nobody_up() {
    let small = Small::new();
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let origin = "stinger-audit/8f3c1d20a7b94e65";
    let (size, root) = (1_u64 << 52, BASE64.encode(&[1; 32]));
    let public64 = BASE64.encode(&public);
    let time = "2026-11-24T10:00:00.000000Z";
    let leaves = BASE64.encode(&Sha256::digest(""));
    let body = format!(
        "{origin}\n{size}\n{root}\ntime {time}\nseal 9 busy\nkey {public64} {public64}\nleaves {leaves}\n"
    );
    let id = signed_note::key_id(origin, &[&[1][..], &public].concat());
    let signature = key.sign(body.as_bytes()).to_bytes();
    let blob = BASE64.encode(&[&id.to_be_bytes()[..], &signature].concat());
    let note = serde_json::to_string(&format!("{body}\n\u{2014} {origin} {blob}\n"));
    let line = format!(
        "{{\"seq\":{size},\"timestamp\":\"{time}\",\"event_type\":\"trail_sealed\",\"reason\":\"busy\",\"checkpoint\":{},\"frontier\":[\"{root}\"],\"leaves\":\"\"}}",
        note.expect("JSON")
    );
    let mut lines = small.files[3].1.clone();
    lines.push(line.into_bytes());
    let verified = small.with(&[(3, lines)], || small.verify());
    assert_eq!(verified.seals, 9, "as a seal it is sound");
    assert_found(
        &verified,
        &[Kind::Removed],
        small.lines().len() as u64,
        "forged",
    );
    let kinds = verified.findings.iter().map(|found| found.kind);
    assert!(
        kinds.into_iter().any(|kind| kind == Kind::KeyReplaced),
        "{verified:#?}"
    );
}

#[test]
fn code_that_nobody_here_wrote_accepts_checkpoints_and_roots() {
    let small = Small::new();
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut seals = 0;
    for line in small.files.iter().flat_map(|(_, lines)| lines) {
        let record: Value = serde_json::from_slice(line).expect("JSON");
        if let Some(note) = record["checkpoint"].as_str() {
            seals += 1;
            // The key that the note names, as a verifier takes it.
            let origin = note.lines().next().expect("an origin");
            let key = note.lines().nth(5).expect("keys");
            let key = key.split(' ').nth(1).expect("a key");
            let key: [u8; 32] = BASE64
                .decode(key.as_bytes())
                .expect("base64")
                .try_into()
                .expect("32");
            let id = signed_note::key_id(origin, &[&[1][..], &key].concat());
            let vkey = format!(
                "{origin}+{id:08x}+{}",
                BASE64.encode(&[&[1][..], &key].concat())
            );
            let accepts = |note: &str| {
                let Ok(note) = Note::from_bytes(note.as_bytes()) else {
                    return false;
                };
                let verifier = StandardVerifier::new(&vkey).expect("a key");
                let verifiers = VerifierList::new(vec![Box::new(verifier)]);
                note.verify(&verifiers).is_ok()
            };
            assert!(accepts(note), "{note}");
            let read = tlog_tiles::Checkpoint::from_bytes(
                Note::from_bytes(note.as_bytes()).expect("a note").text(),
            )
            .expect("a checkpoint");
            assert_eq!(read.size(), tree.len());
            assert_eq!(read.hash().0, <[u8; 32]>::from(*tree.root().as_bytes()));
            // And a bit that is flipped is rejected, in the text or in the signature.
            for at in [0, origin.len() + 1, note.len() / 2, note.len() - 10] {
                let mut bad = note.as_bytes().to_vec();
                bad[at] ^= 1;
                if let Ok(bad) = String::from_utf8(bad) {
                    assert!(!accepts(&bad), "{bad}");
                }
            }
        }
        tree.push(line.clone());
    }
    assert_eq!(seals, 8);
}

#[test]
fn a_trail_is_verified_from_a_stream_while_it_lives_and_behind_retention() {
    // A stream, with lines of others in it.
    let small = Small::new();
    let lines = small.files.iter().flat_map(|(_, lines)| lines.clone());
    let mixed: Vec<u8> = lines
        .flat_map(|line| [b"starting\n".to_vec(), line, b"\n".to_vec()].concat())
        .collect();
    let verified = Trail::verify_lines(std::io::Cursor::new(mixed.clone()), &Verify::new());
    assert!(verified.expect("sealed").is_intact());
    let bad = String::from_utf8(mixed)
        .expect("UTF-8")
        .replacen("prompt 1", "prompt 2", 1);
    let verified = Trail::verify_lines(std::io::Cursor::new(bad), &Verify::new());
    assert_eq!(verified.expect("sealed").findings[0].kind, Kind::Changed);

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
    small.prune();
    let verified = verify(&small.path());
    assert!(verified.is_intact(), "{verified:#?}");
    assert!(
        verified.told.iter().any(|told| told.contains("retention")),
        "{verified:#?}"
    );
    let last = verified.proven.last().expect("proven").1;
    assert!(
        last > small.lines().len() as u64 && verified.proven[0].0 > 0,
        "{verified:#?}"
    );
}

#[test]
fn a_key_that_is_lost_or_exchanged_is_a_finding_and_no_crash() {
    let small = Small::new();
    let key = small.dir.path().join("audit.log.sealkey");
    for spoil in [None, Some(b"nonsense".to_vec()), Some(vec![0xff; 300])] {
        match &spoil {
            None => fs::remove_file(&key).expect("removed"),
            Some(bytes) => fs::write(&key, bytes).expect("written"),
        }
        write_on(&small.path(), Rotation::DAILY);
        let verified = small.verify();
        let found = verified
            .findings
            .iter()
            .find(|found| found.kind == Kind::KeyReplaced);
        assert!(found.is_some(), "{verified:#?}");
        let text = fs::read_to_string(&small.files[3].0).expect("readable");
        assert!(text.contains("the key is lost"), "the writer tells of it");
        fs::write(&small.files[3].0, bytes(&small.files[3].1)).expect("written");
    }
    let trail = Trail::open(small.path()).expect("a trail");
    let other = Small::new().verify().key.expect("a key");
    let verified = trail
        .verify(&Verify::new().key(&other).expect("a key"))
        .expect("verified");
    assert_eq!(verified.findings[0].kind, Kind::KeyReplaced);
    assert!(Verify::new().key("nonsense").is_err());
    assert!(Verify::new().against("nonsense\n1\n").is_err());
}

#[test]
fn evidence_of_a_record_stands_for_itself_and_shows_no_other() {
    let small = Small::new();
    let trail = Trail::open(small.path()).expect("a trail");
    let lines = small.whole();
    // The last seal proves all in front of it.
    for (seq, line) in lines.iter().enumerate().take(lines.len() - 1) {
        let evidence = trail.prove(&[seq as u64]).expect("proven");
        let text = evidence.to_string();
        assert_eq!(Evidence::read(&text).expect("evidence"), evidence);
        assert_eq!(evidence.records().expect("records")[0].seq, seq as u64);
        for (other, line) in lines.iter().enumerate() {
            let line = std::str::from_utf8(line).expect("UTF-8");
            assert_eq!(text.contains(line), other == seq, "{text}");
        }
        // The part in the C2SP form, by code that nobody here wrote.
        let (_, proof) = text
            .split_once("c2sp.org/tlog-proof@v1\n")
            .expect("a proof");
        let (head, note) = proof.split_once("\n\n").expect("a checkpoint");
        let mut head = head.lines();
        assert_eq!(head.next(), Some(format!("index {seq}").as_str()));
        let hash = |line: &str| tlog_tiles::Hash::parse_hash(line).expect("a hash");
        let proof: Vec<_> = head.map(hash).collect();
        let note = Note::from_bytes(note.as_bytes()).expect("a note");
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("a checkpoint");
        let check = |line: &[u8]| {
            tlog_tiles::check_record(
                &proof,
                checkpoint.size(),
                *checkpoint.hash(),
                seq as u64,
                tlog_tiles::record_hash(line),
            )
        };
        check(line).expect("accepted");
        let mut bad = line.clone();
        bad[10] ^= 1;
        check(&bad).expect_err("rejected");
        let nodes = proof.iter().map(|hash| hash.0.into());
        let nodes: Vec<ct_merkle::digest::Output<Sha256>> = nodes.collect();
        let root =
            ct_merkle::RootHash::<Sha256>::new(checkpoint.hash().0.into(), checkpoint.size());
        let inclusion = ct_merkle::InclusionProof::from_digests(&nodes);
        root.verify_inclusion(line, seq as u64, &inclusion)
            .expect("accepted");
        root.verify_inclusion(&bad, seq as u64, &inclusion)
            .expect_err("rejected");
    }
    // No byte of evidence can change. What stands in front of a line end may be seen as none.
    let text = trail.prove(&[3, 4]).expect("proven").to_string();
    for at in 0..text.len() {
        let mut bad = text.clone().into_bytes();
        bad[at] ^= 1;
        if let Ok(bad) = String::from_utf8(bad) {
            assert!(Evidence::read(&bad).is_err(), "byte {at}: {bad}");
        }
    }
    // Retention removes the record, and the evidence holds.
    fs::remove_file(&small.files[0].0).expect("removed");
    let evidence = Evidence::read(&text).expect("it stands for itself");
    assert_eq!(evidence.records().expect("records").len(), 2);
    trail.prove(&[3]).expect_err("it is not there any more");
    let kept = small.seq((2, 3));
    let kept = trail
        .prove(&[kept])
        .expect("from the frontier of the first seal that is left");
    Evidence::read(&kept.to_string()).expect("evidence");
}

#[test]
fn the_command_tells_by_its_exit_code() {
    let small = Small::new();
    let command = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_stinger-audit"))
            .args(arguments)
            .current_dir(small.dir.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let talk = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), said, talk)
    };
    let (code, said, _) = command(&["verify", "audit.log"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.ends_with("\nintact\n") && said.contains("proven: records 0 to 23"),
        "{said}"
    );
    let (code, note, _) = command(&["checkpoint", "audit.log"]);
    assert_eq!(code, Some(0));
    fs::write(small.dir.path().join("kept"), &note).expect("written");
    let (code, said, _) = command(&["verify", "audit.log", "--against", "kept"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, talk) = command(&["prove", "audit.log", "--seq", "3", "-o", "evidence"]);
    assert_eq!(code, Some(0), "{talk}");
    let page = fs::read_to_string(small.dir.path().join("evidence.md")).expect("a page");
    assert!(
        page.contains("| 3 |") && page.contains("does not show"),
        "{page}"
    );
    let (code, said, _) = command(&["verify", "evidence"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = command(&["verify", "evidence", "--against", "kept"]);
    assert_eq!(code, Some(0), "{said}");
    // The first key has not signed it, and what follows from the first key it does not show.
    let first = small.verify().key.expect("a key");
    let (code, said, _) = command(&["verify", "evidence", "--key", &first]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("could not be checked"), "{said}");
    // What exists is replaced only where that was said, and what is a trail's never.
    let again = ["prove", "audit.log", "--seq", "3", "-o", "evidence"];
    assert_eq!(command(&again).0, Some(2));
    assert_eq!(command(&[&again[..], &["--force"]].concat()).0, Some(0));
    let over = ["prove", "audit.log", "--seq", "4", "--force", "-o"];
    for name in ["audit.log", "audit.log.checkpoint", "audit.log.sealkey"] {
        let (code, _, talk) = command(&[&over[..], &[name]].concat());
        assert_eq!(code, Some(2), "{name}: {talk}");
    }
    assert!(small.verify().is_intact());
    let evidence = fs::read_to_string(small.dir.path().join("evidence")).expect("evidence");
    fs::write(
        small.dir.path().join("evidence"),
        evidence.replace("prompt", "pr0mpt"),
    )
    .expect("written");
    assert_eq!(command(&["verify", "evidence"]).0, Some(1));

    let (path, lines) = &small.files[1];
    let mut bad = bytes(lines);
    let at = bad.len() / 2;
    bad[at] ^= 1;
    fs::write(path, bad).expect("written");
    let (code, said, _) = command(&["verify", "audit.log"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("changed  ") && said.contains("NOT intact"),
        "{said}"
    );
    for wrong in [
        &["verify", "nowhere.log"][..],
        &["verify", "audit.log", "--key", "nonsense"],
        &["verify", "audit.log", "--against", "nowhere"],
        &["prove", "audit.log", "--seq", "99"],
    ] {
        let (code, said, talk) = command(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert!(!talk.is_empty(), "{wrong:?}");
    }
}
