//! The README's service behind a real nginx, and clients that lie about their address. Needs STINGER_TEST_PEERS=1.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use stinger_audit::read::{Query, Trail};
use stinger_audit::record::Record;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

#[path = "../../../tests/common/mod.rs"]
mod common;

mod service {
    #![allow(dead_code, reason = "the test calls main() through run()")]

    include!("../examples/web_service.rs");

    pub(crate) fn run() {
        main().expect("it serves");
    }
}

/// Where the clients come from. nginx connects from 127.0.0.1.
const CLIENT: [u8; 4] = [127, 0, 0, 2];

/// Set in the child that is the service.
const SERVES: &str = "STINGER_TEST_SERVES";

/// A child that a failed test does not leave behind.
struct Process(Child);

impl Process {
    /// Starts a program and waits until it listens.
    fn start(command: &mut Command, port: u16) -> Process {
        let mut process = Process(command.spawn().expect("it runs"));
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(process.0.try_wait().expect("a status"), None, "it ended");
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "it never listens"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        process
    }

    fn terminate(mut self) {
        let terminate = format!("kill -TERM {}", self.0.id());
        let killed = Command::new("sh").args(["-c", &terminate]).status();
        assert!(killed.expect("sh runs").success());
        assert!(self.0.wait().expect("it ends").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// nginx in its usual configuration in front of `upstream`.
fn nginx(dir: &Path, port: u16, upstream: u16) -> Process {
    let at = dir.display();
    let configuration = format!(
        "daemon off; master_process off; pid {at}/nginx.pid; error_log stderr;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
             uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
             server {{
                 listen 127.0.0.1:{port};
                 location / {{
                     proxy_pass http://127.0.0.1:{upstream};
                     proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                 }}
             }}
         }}"
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, configuration).expect("written");
    let mut command = Command::new("nginx");
    command
        .args(["-e", "stderr", "-p"])
        .arg(dir)
        .arg("-c")
        .arg(file);
    Process::start(&mut command, port)
}

/// Sends a prompt with a client's own headers, from the client's address.
fn ask(port: u16, prompt: &str, headers: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((CLIENT, 0).into()).expect("an address");
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = socket.connect(to).await.expect("nginx listens");
        let head = "POST /v1/chat HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\nContent-Type: text/plain\r\n";
        let length = format!("Content-Length: {}\r\n\r\n{prompt}", prompt.len());
        let request = [head.as_bytes(), headers, length.as_bytes()].concat();
        stream.write_all(&request).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{prompt}: {answer}");
}

/// The service, when this program runs as its own child.
#[test]
fn the_service_runs_in_a_child() {
    if std::env::var_os(SERVES).is_some() {
        service::run();
    }
}

#[test]
fn behind_nginx_no_header_of_a_client_chooses_or_hides_its_address() {
    if !common::peers::has_peers() {
        return;
    }
    let attempts: [(&str, &[u8], bool); 8] = [
        ("honest", b"", false),
        (
            "a list",
            b"X-Forwarded-For: 203.0.113.9, 127.0.0.1\r\n",
            false,
        ),
        ("no address", b"X-Forwarded-For: unknown\r\n", false),
        ("no text", b"X-Forwarded-For: \xff\r\n", false),
        (
            "twice",
            b"X-Forwarded-For: \"\r\nX-Forwarded-For: \xff,\r\n",
            false,
        ),
        ("the standard", b"Forwarded: for=203.0.113.9\r\n", true),
        ("unknown", b"Forwarded: for=unknown\r\n", true),
        ("junk", b"Forwarded: x\r\n", true),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    let (port, upstream) = (free_port(), free_port());
    let mut child = Command::new(std::env::current_exe().expect("a path"));
    child
        .args(["--exact", "the_service_runs_in_a_child"])
        .current_dir(dir.path())
        .env(SERVES, "1")
        .env("LISTEN", format!("127.0.0.1:{upstream}"));
    let service = Process::start(&mut child, upstream);
    let nginx = nginx(dir.path(), port, upstream);
    for (attempt, headers, _) in attempts {
        ask(port, attempt, headers);
    }
    drop(nginx);
    service.terminate();

    let trail = Trail::open(dir.path().join("logs/audit.log")).expect("a trail");
    let prompts = trail.query(Query::new().event_type("user_prompt"));
    let prompts: Vec<Record> = prompts.map(|record| record.expect("readable")).collect();
    assert_eq!(prompts.len(), attempts.len(), "{prompts:#?}");
    for (record, (attempt, _, is_conflict)) in prompts.iter().zip(attempts) {
        assert_eq!(record.prompt.as_deref(), Some(attempt));
        assert_eq!(record.user_ip.as_deref(), Some("127.0.0.2"), "{record:#?}");
        let conflict =
            "forwarded does not name the client that user_ip names; only x-forwarded-for counts";
        let expected: &[&str] = if is_conflict { &[conflict] } else { &[] };
        assert_eq!(record.problems, expected, "{record:#?}");
    }
    let report = trail.check();
    assert!(report.is_complete() && report.is_closed, "{report:#?}");
}
