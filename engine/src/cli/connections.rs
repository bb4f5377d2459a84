//! `connections`.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;

use super::client::Client;
use super::output::{cell, items};
use super::{Done, Failure, Print, output};
use crate::connections::DEFAULT;

/// List the connections; make one or remove it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Connections {
    #[command(subcommand)]
    change: Option<Change>,
    #[command(flatten)]
    print: Print,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Give the credentials of a connection, or replace them
    Set {
        #[command(flatten)]
        key: Key,
        /// A file with the credentials as a JSON object, `-` for standard input
        #[arg(long, default_value = "-")]
        from: PathBuf,
        #[command(flatten)]
        print: Print,
    },
    /// Remove a connection
    Remove {
        #[command(flatten)]
        key: Key,
        #[command(flatten)]
        print: Print,
    },
}

#[derive(Debug, clap::Args)]
struct Key {
    /// The kind, such as `core/smtp`
    kind: String,
    /// The name by which workflows choose it; steps that name none get `default`
    #[arg(long, default_value = DEFAULT)]
    name: String,
}

impl Key {
    fn path(&self) -> Result<String, Failure> {
        let is_one_segment = |text: &&str| !text.is_empty() && !text.contains(['/', '?', '#', '%']);
        let parts = self
            .kind
            .split_once('/')
            .filter(|(app, kind)| [app, kind].iter().all(|part| is_one_segment(part)));
        let (app, kind) = parts.ok_or_else(|| {
            Failure(format!(
                "`{}` is no kind of connection; write its app and name, such as `core/smtp`",
                self.kind
            ))
        })?;
        if !crate::definition::is_connection_name(&self.name) {
            return Err(Failure("a connection's name is 1 to 100 letters, digits, `-` and `_`".to_owned()));
        }
        Ok(format!("/api/v1/connections/{app}/{kind}/{}", self.name))
    }
}

impl Connections {
    pub(super) async fn run(self, client: &Client) -> Done {
        match self.change {
            None => list(client, self.print).await,
            Some(Change::Set { key, from, print }) => {
                let path = key.path()?;
                let credentials = read(&from, &key.kind)?;
                let answer = client.put(&path, &credentials).await?;
                output::answer(
                    print,
                    &answer,
                    &format!("The connection `{}` of the kind `{}` is set", key.name, key.kind),
                );
                Ok(())
            }
            Some(Change::Remove { key, print }) => {
                let answer = client.delete(&key.path()?).await?;
                output::answer(
                    print,
                    &answer,
                    &format!("Removed the connection `{}` of the kind `{}`", key.name, key.kind),
                );
                Ok(())
            }
        }
    }
}

async fn list(client: &Client, print: Print) -> Done {
    let value = client.get("/api/v1/connections").await?;
    if print.json {
        output::json(&value);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items(&value, "connections")
        .iter()
        .map(|connection| {
            ["/kind", "/name", "/created_at", "/updated_at"].map(|field| cell(connection, field)).to_vec()
        })
        .collect();
    output::table(&["KIND", "NAME", "CREATED", "UPDATED"], &rows);
    Ok(())
}

/// Reads credentials. No message holds them.
fn read(from: &Path, kind: &str) -> Result<Value, Failure> {
    let text = if from == Path::new("-") {
        let mut input = std::io::stdin();
        if input.is_terminal() {
            eprintln!(
                "Type the credentials as a JSON object and end with Ctrl-D; `stepwell blocks --json` shows the fields of `{kind}`"
            );
        }
        let mut text = String::new();
        input.read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(from)
            .map_err(|error| Failure(format!("{} cannot be read: {error}", from.display())))?
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure(format!("the credentials are not JSON: line {}, column {}", error.line(), error.column()))
    })
}
