//! A gateway in front of a language model, with the audit trail where it belongs: OpenAI's chat
//! completions, whole and as server-sent events, guardrails on input and output, fail-safe.
//!
//! Run it with `cargo run -p gateway`, and talk to it with curl or any OpenAI client:
//!
//! ```sh
//! curl http://127.0.0.1:8080/v1/chat/completions -H 'authorization: Bearer demo-ann' \
//!     -H 'content-type: application/json' \
//!     -d '{"model": "stand-in-1", "messages": [{"role": "user", "content": "Hello!"}]}'
//! ```
//!
//! A key `demo-NAME` makes the request NAME's. The model is a stand-in that repeats what it hears.

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use stinger_audit::Audit;
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

use axum::http::HeaderName;
use gateway::Config;

const USAGE: &str =
    "usage: gateway [--listen ADDRESS] [--trail PATH] [--continue] [--trust NETWORK]... [--proxy-header NAME]

  --listen ADDRESS      where to take requests (default 127.0.0.1:8080)
  --trail PATH          where to write the audit trail (default ./gateway-trail/audit.log)
  --continue            answer even while the trail cannot be written (default: refuse with 503)
  --trust NETWORK       believe these proxies about the client's address, such as 10.0.0.0/8
  --proxy-header NAME   the header in which they report it (default X-Forwarded-For)";

struct Arguments {
    listen: SocketAddr,
    trail: String,
    fail_safe: bool,
    config: Config,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            trail: "./gateway-trail/audit.log".to_owned(),
            fail_safe: true,
            config: Config::default(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--listen" => {
                    let address = value()?;
                    arguments.listen = address
                        .parse()
                        .map_err(|_| format!("--listen {address}: write it as 127.0.0.1:8080"))?;
                }
                "--trail" => arguments.trail = value()?,
                "--continue" => arguments.fail_safe = false,
                "--trust" => arguments.config.trusted.push(value()?),
                "--proxy-header" => {
                    let name = value()?;
                    arguments.config.proxy_header = HeaderName::try_from(&name)
                        .map_err(|_| format!("--proxy-header {name}: not the name of a header"))?;
                }
                _ => return Err(format!("there is no argument {word}")),
            }
        }
        Ok(arguments)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            std::process::exit(2);
        }
    };
    let audit: Audit = stinger_audit::to(&*arguments.trail)
        .redact_pii(true)
        .fail_safe(arguments.fail_safe)
        .open()?;
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(tracing_subscriber::filter::LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(audit.layer())
        .with(log)
        .init();

    let router = gateway::router(&audit, arguments.config)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    tracing::info!(
        "listening on http://{}, audit trail {}",
        listener.local_addr()?,
        arguments.trail
    );
    gateway::serve(listener, router, stopped()).await?;
    audit.close()?;
    Ok(())
}

/// Ctrl-C, or SIGTERM, by which services are stopped. Where they cannot be waited for, the gateway runs until it is
/// killed.
async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                terminated.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
