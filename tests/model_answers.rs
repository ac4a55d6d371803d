//! Answers and prompts as the APIs of models give them: tool calls, whole and in parts, and content that is no text.

use serde_json::json;
use stinger_audit::read::{Missing, Outcome, Trail};
use stinger_audit::record::{Decision, EventType, ToolCall};
use stinger_audit::turn::{Chunk, ToolCallDelta, Turn};

mod common;
use common::Bench;

type Checked = Result<Decision, String>;

fn begin(bench: &Bench) -> Turn {
    bench.audit.turn("c").begin("the prompt").expect("begun")
}

/// A chunk of an answer as a model's API streams it: a text, or a part of a call.
struct Streamed(&'static str, Option<ToolCallDelta<'static>>);

impl Chunk for Streamed {
    fn text(&self) -> Result<&str, String> {
        Ok(self.0)
    }

    fn tool_calls(&self) -> Vec<ToolCallDelta<'_>> {
        self.1.into_iter().collect()
    }
}

fn part(index: usize, id: &'static str, name: &'static str, arguments: &'static str) -> Streamed {
    let some = |text: &'static str| (!text.is_empty()).then_some(text);
    let delta = ToolCallDelta {
        index,
        id: some(id),
        name: some(name),
        arguments,
    };
    Streamed("", Some(delta))
}

#[test]
fn an_answer_that_is_only_tool_calls_has_them_redacted_and_no_empty_text() {
    let mail = "ann@example.com";
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let call = |id: &str| {
        let arguments = format!("{{\"to\":\"{mail}\",\"count\":2}}");
        ToolCall::new("send").id(id).arguments_json(&arguments)
    };
    let whole = begin(&bench);
    let answer = whole
        .hold("")
        .tool_call(call("call-1"))
        .field("refused", false);
    assert_eq!(whole.release(answer).expect("released"), "");
    let streamed = begin(&bench).send([
        part(7, "call-2", "send", "{\"to\":\"ann@exa"),
        part(9, "call-3", "note", ""),
        part(7, "", "", "mple.com\",\"count\":2}"),
        part(9, "", "", "[tru"),
    ]);
    assert_eq!(streamed.count(), 4);
    let typed = stinger_audit::emit::response("").conversation_id("c");
    bench
        .audit
        .log(typed.tool_call(call("call-4")))
        .expect("recorded");
    let empty = begin(&bench);
    let held = empty.hold(String::new());
    empty.release(held).expect("released");

    let records = bench.records();
    let answers: Vec<_> = records
        .iter()
        .filter(|record| record.event_type == EventType::LlmResponse)
        .collect();
    let [whole, streamed, typed, empty] = answers.as_slice() else {
        panic!("{records:#?}");
    };
    for (record, id) in [(whole, "call-1"), (streamed, "call-2"), (typed, "call-4")] {
        assert_eq!(record.response, None, "{record:#?}");
        let call = &record.tool_calls[0];
        assert_eq!((call.id.as_deref(), call.name.as_str()), (Some(id), "send"));
        let arguments = call.arguments.as_ref().expect("arguments");
        assert_eq!(arguments["count"], 2, "they are JSON");
        let to = arguments["to"].as_str().expect("a text");
        assert!(to.starts_with("[EMAIL:"), "{to}");
    }
    let cut = &streamed.tool_calls[1];
    assert_eq!(
        (cut.name.as_str(), &cut.arguments),
        ("note", &Some(json!("[tru")))
    );
    assert_eq!(whole.other["refused"], false);
    assert_eq!(empty.response.as_deref(), Some(""));
    let trail = Trail::open(bench.path()).expect("a trail");
    let turns = trail.conversation("c").turns;
    assert_eq!(turns[0].outcome(), Some(Outcome::Released));
    assert!(
        turns
            .iter()
            .all(|turn| turn.missing() != [Missing::Response])
    );
}

#[test]
fn a_guardrail_of_a_stream_sees_the_arguments_of_tool_calls_before_they_are_sent() {
    let bench = Bench::new();
    let mut seen = Vec::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let streamed = begin(&bench)
        .send([
            Streamed("Well.", None),
            part(0, "call-1", "run", "{\"a\":"),
            part(1, "call-2", "run", "{}"),
            part(0, "", "", "\"secret\"}"),
        ])
        .guarded("leak", move |text: &str| {
            sender.send(text.to_owned()).expect("received");
            match text.contains("secret") {
                true => Checked::Ok(Decision::Block),
                false => Ok(Decision::Allow),
            }
        });
    assert_eq!(streamed.count(), 3);
    seen.extend(receiver.try_iter());
    assert_eq!(seen, ["Well.", "{\"a\":", "{}", "{\"a\":\"secret\"}"]);
    let record = bench.records().remove(1);
    assert_eq!(record.outcome, Some(Outcome::Stopped));
    assert_eq!(record.response.as_deref(), Some("Well."));
    let arguments = record.tool_calls.iter().map(|call| call.arguments.clone());
    let arguments: Vec<_> = arguments.flatten().collect();
    assert_eq!(arguments, [json!("{\"a\":"), json!({})], "what was sent");
}

#[test]
fn a_file_that_comes_by_its_url_is_recorded_by_its_content_or_its_address() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let turn = bench
        .audit
        .turn("c")
        .attachment_url("image", "data:image/png;base64,YWJj")
        .attachment_url("image", "DATA:;base64,YWJj")
        .attachment_url("text", "data:,abc")
        .attachment_url("image", "https://files.example/cat?owner=ann@example.com")
        .tool_call(ToolCall::new("look").id("call-1").result("a cat"))
        .begin("What is this?")
        .expect("begun");
    let answer = turn.hold("A cat.").attachment("audio/wav", b"abc");
    turn.release(answer).expect("released");
    let records = bench.records();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let files: Vec<_> = records[0]
        .attachments
        .iter()
        .map(|file| (file.kind.as_str(), file.bytes, file.sha256.as_str()))
        .collect();
    let content = |kind| (kind, Some(3), abc);
    assert_eq!(files[..3], ["image/png", "image", "text"].map(content));
    assert_eq!(files[3], ("image", None, ""));
    let url = records[0].attachments[3]
        .url
        .as_deref()
        .expect("its address");
    assert!(url.contains("[EMAIL:") && !url.contains("ann@"), "{url}");
    assert_eq!(records[0].tool_calls[0].result, Some(json!("a cat")));
    assert_eq!(records[1].attachments[0].kind, "audio/wav");
    assert_eq!(records[1].response.as_deref(), Some("A cat."));
}
