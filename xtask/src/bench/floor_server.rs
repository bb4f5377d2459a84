//! What the disk and the stack allow: a server that does nothing but answer, or commit.
//!
//! It has the HTTP server of the engine, and its way of committing: whatever is queued shares one durable commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use rusqlite::{Connection, params};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::NoTls;

use super::{Outcome, failed};

/// How many rows share a commit at most, as in the engine.
const LARGEST_BATCH: usize = 256;
/// The bytes of a row.
const ROW: usize = 300;
/// The commits that a request to `/commit` waits for, one after the other: as many as a run of three steps has.
const COMMITS: usize = 4;

/// Where to commit.
#[derive(clap::Args)]
pub(crate) struct FloorServer {
    /// A directory for `SQLite`
    #[arg(long)]
    directory: PathBuf,
    /// A PostgreSQL database instead
    #[arg(long)]
    database: Option<String>,
}

type Queue = mpsc::UnboundedSender<oneshot::Sender<()>>;

impl FloorServer {
    /// Serves until it is killed.
    pub(super) async fn serve(&self) -> Outcome<()> {
        let queue = match &self.database {
            Some(url) => postgres(url).await?,
            None => sqlite(&self.directory)?,
        };
        let router = Router::new()
            .route("/answer", post(async |body: String| body))
            .route("/commit", post(commit))
            .with_state(Arc::new(queue));
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed("a port"))?;
        println!("http://{}", listener.local_addr().map_err(failed("a port"))?);
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await.map_err(failed("the floor server"))
    }
}

async fn commit(State(queue): State<Arc<Queue>>, _body: String) -> Result<&'static str, StatusCode> {
    for _ in 0..COMMITS {
        let (answer, answered) = oneshot::channel();
        queue.send(answer).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        answered.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    }
    Ok("{}")
}

fn sqlite(directory: &Path) -> Outcome<Queue> {
    let mut connection = Connection::open(directory.join("floor.db")).map_err(failed("floor.db"))?;
    let prepared = connection
        .pragma_update(None, "journal_mode", "WAL")
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| {
            connection.execute_batch("CREATE TABLE floor (id INTEGER PRIMARY KEY, body BLOB) STRICT")
        });
    prepared.map_err(failed("floor.db"))?;
    let (queue, mut jobs) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    std::thread::spawn(move || {
        let mut batch = Vec::new();
        while jobs.blocking_recv_many(&mut batch, LARGEST_BATCH) > 0 {
            if let Err(error) = insert(&mut connection, batch.len()) {
                eprintln!("the floor cannot commit: {error}");
                return;
            }
            answer(&mut batch);
        }
    });
    Ok(queue)
}

fn insert(connection: &mut Connection, rows: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for _ in 0..rows {
        transaction.prepare_cached("INSERT INTO floor (body) VALUES (?1)")?.execute(params![[7_u8; ROW]])?;
    }
    transaction.commit()
}

async fn postgres(url: &str) -> Outcome<Queue> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(failed("PostgreSQL"))?;
    tokio::spawn(async move { drop(connection.await) });
    let table =
        "CREATE TABLE floor (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body BYTEA NOT NULL)";
    client.batch_execute(table).await.map_err(failed("the table"))?;
    let sql = "INSERT INTO floor (body) SELECT unnest($1::BYTEA[])";
    let statement = client.prepare(sql).await.map_err(failed("the statement"))?;
    let (queue, mut jobs) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while jobs.recv_many(&mut batch, LARGEST_BATCH).await > 0 {
            let rows = vec![vec![7_u8; ROW]; batch.len()];
            if let Err(error) = client.execute(&statement, &[&rows]).await {
                eprintln!("the floor cannot commit: {error}");
                return;
            }
            answer(&mut batch);
        }
    });
    Ok(queue)
}

fn answer(batch: &mut Vec<oneshot::Sender<()>>) {
    for job in batch.drain(..) {
        // Who asked may have gone away.
        let _ = job.send(());
    }
}
