//! The gateway as a process of its own: this program again, in another role. Shared by the test
//! and the bench.
#![allow(dead_code, reason = "the test and the bench each use their own part")]

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{Next, from_fn};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

const ROLE: &str = "STINGER_GATEWAY_ROLE";
const SETTINGS: &str = "STINGER_GATEWAY_SETTINGS";

/// How the gateway in the child is set.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    pub trail: PathBuf,
    pub fail_safe: bool,
    pub buffer: Option<usize>,
    pub patience: Option<Duration>,
    pub trusted: Vec<String>,
    /// A file for the ids of the requests that reached the service, as they came.
    pub ledger: Option<PathBuf>,
}

/// The child.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(role: &str, settings: &Settings) -> Server {
        let settings = serde_json::to_string(settings).expect("JSON");
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .env(ROLE, role)
            .env(SETTINGS, settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut port)
            .expect("readable");
        let port: u16 = port.trim().parse().expect("the child says its port");
        Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    /// Has it answer what it has taken, close its trail and end.
    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("it ends").success());
    }

    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    /// A test that fails leaves no server behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which part this process was started for, and how it is set. `None`: it is the parent.
pub fn role() -> Option<(String, Settings)> {
    let role = std::env::var(ROLE).ok()?;
    let settings = std::env::var(SETTINGS).expect("set beside the role");
    let settings = serde_json::from_str(&settings).expect("JSON");
    Some((role, settings))
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The example's gateway, until the parent says that it is enough.
pub fn audited(settings: Settings) {
    let mut trail = stinger_audit::to(&*settings.trail)
        .redact_pii(true)
        .fail_safe(settings.fail_safe);
    if let Some(buffer) = settings.buffer {
        trail = trail.buffer_capacity(buffer);
    }
    if let Some(patience) = settings.patience {
        trail = trail.enqueue_timeout(patience);
    }
    let audit = trail.open().expect("a trail");
    tracing_subscriber::registry().with(audit.layer()).init();
    let config = gateway::Config {
        trusted: settings.trusted,
        per_minute: u32::MAX,
        ..gateway::Config::default()
    };
    let mut router = gateway::router(&audit, config).expect("a router");
    if let Some(path) = settings.ledger {
        let ledger = OpenOptions::new().append(true).create(true).open(path);
        let ledger = Arc::new(ledger.expect("a ledger"));
        router = router.layer(from_fn(
            move |request: axum::extract::Request, next: Next| {
                let id = request.headers().get("x-request-id");
                let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
                (&*ledger)
                    .write_all(format!("{id}\n").as_bytes())
                    .expect("written");
                next.run(request)
            },
        ));
    }
    runtime().block_on(serve(router));
    audit.close().expect("closed");
}

pub async fn serve(router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    gateway::serve(listener, router, parent_says_so())
        .await
        .expect("served");
}

/// Waits until stdin ends: by the parent's word, or with the parent.
fn parent_says_so() -> impl Future<Output = ()> + Send + 'static {
    let waiting = tokio::task::spawn_blocking(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    });
    async {
        let _ = waiting.await;
    }
}
