//! What other programs accept: checkpoints, roots, and evidence of single records.

use std::fs;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use data_encoding::BASE64;
use serde_json::Value;
use sha2::Sha256;
use signed_note::{Note, StandardVerifier, VerifierList};
use stinger_audit::error::trail::{ErrorKind, Unverifiable};
use stinger_audit::read::{InclusionProof, Trail};

#[path = "../../../tests/common/mod.rs"]
mod common;

use common::small::{Small, write_on};

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
fn each_reason_for_which_evidence_proves_nothing_has_its_own_error() {
    let small = Small::new();
    let prove = |seq: u64| {
        let trail = Trail::open(small.path()).expect("a trail");
        trail.prove(&[seq]).expect("proven").to_string()
    };
    let text = prove(3);
    let (head, rest) = text.split_once('\n').expect("lines");
    let (record, _) = rest.split_once("\n\n").expect("a checkpoint");
    write_on(&small.path());
    let later = prove(4);
    let (_, of_later) = later.split_once('\n').expect("lines");
    for (text, expected) in [
        (rest.to_owned(), Unverifiable::NotAProof),
        (format!("{head}\n"), Unverifiable::NoProvenRecord),
        (format!("{head}\n{record}\n"), Unverifiable::DamagedProof(0)),
        (
            format!("{text}{of_later}"),
            Unverifiable::DifferentCheckpoints,
        ),
    ] {
        let error = InclusionProof::read(&text).expect_err("no evidence");
        assert!(
            matches!(error.kind(), ErrorKind::Unverifiable(reason) if *reason == expected),
            "{error}, not {expected}"
        );
    }
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
        assert_eq!(InclusionProof::read(&text).expect("evidence"), evidence);
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
            assert!(InclusionProof::read(&bad).is_err(), "byte {at}: {bad}");
        }
    }
    // Retention removes the record, and the evidence holds.
    fs::remove_file(&small.files[0].0).expect("removed");
    let evidence = InclusionProof::read(&text).expect("it stands for itself");
    assert_eq!(evidence.records().expect("records").len(), 2);
    trail.prove(&[3]).expect_err("it is not there any more");
    let kept = small.seq((2, 3));
    let kept = trail
        .prove(&[kept])
        .expect("from the frontier of the first seal that is left");
    InclusionProof::read(&kept.to_string()).expect("evidence");
}
