//! The demo: an engine and the stand-in for the provider in one process, and somebody who tells what happens.

mod api;
mod story;

use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use issue_triage::provider::Provider;
use stepwell_engine::{Engine, Options};

use api::Api;
use story::Story;

/// Where the engine's data lies.
const DATA: &str = "STEPWELL_DEMO_DATA";
/// Where the engine listens.
const LISTEN: &str = "STEPWELL_DEMO_LISTEN";
/// Where the stand-in for the provider listens.
const PROVIDER: &str = "STEPWELL_DEMO_PROVIDER";

/// Runs the demo until it is interrupted.
pub(crate) fn main() -> ExitCode {
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(env::var_os(DATA).unwrap_or_else(|| "data/demo".into()));
    let listen = free_address(LISTEN, "127.0.0.1:7400")?;
    let provider_listen = free_address(PROVIDER, "127.0.0.1:7401")?;
    fs::create_dir_all(&data).map_err(|error| format!("{} cannot be made: {error}", data.display()))?;

    let provider = Provider::start(provider_listen, &data.join("provider.json")).await?;
    // The provider is on loopback, where blocks may otherwise not send requests.
    let options = Options { data: data.clone(), listen, allow_private_addresses: true, ..Options::default() };
    let engine = Engine::start(options).await?;
    println!("An engine runs at {} and keeps its data in {}.", engine.url(), data.display());
    println!("A stand-in for the issue tracker runs at {}.\n", provider.url());

    let api = Api::new(engine.url(), engine.token())?;
    let told = tokio::select! {
        told = Story::new(api, provider).tell() => told,
        stopped = interrupted() => {
            stopped?;
            println!("\nStopping.");
            engine.shutdown().await;
            return Ok(());
        }
    };
    if let Err(error) = told {
        engine.shutdown().await;
        return Err(error);
    }
    println!("\nThe engine goes on serving. Press Ctrl-C to stop it, and start again for another issue.");
    interrupted().await?;
    println!("\nStopping.");
    engine.shutdown().await;
    Ok(())
}

/// An address that nobody else listens on, from the environment or the default.
fn free_address(variable: &str, default: &str) -> Result<SocketAddr, String> {
    let text = env::var(variable).unwrap_or_else(|_| default.to_owned());
    let address: SocketAddr =
        text.parse().map_err(|_| format!("{variable}: `{text}` is not an address such as {default}"))?;
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(format!(
            "Another process listens on {address}. Stop it (it may be an earlier demo), or set {variable} to a free address."
        )),
        Err(error) => Err(format!("{address} cannot be listened on: {error}")),
    }
}

/// Ends when somebody wants the process to stop.
async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
