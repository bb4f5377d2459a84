//! The listener: connections, each with limits on its head and on slow readers, and a graceful end.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::router;
use crate::driver::Driver;

/// How long a client may take to send the head of a request, or may keep an idle connection open.
const SLOWEST_HEAD: Duration = Duration::from_secs(5);
/// How large the head of a request may be, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;
/// How long open requests may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait after a connection could not be accepted, such as when the process has too many files open.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves all routes until told to stop.
pub(crate) async fn serve(listener: TcpListener, driver: Driver, stop: CancellationToken) {
    let limits = *driver.limits();
    let service = TowerToHyperService::new(router(driver));
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(SLOWEST_HEAD).max_buf_size(LARGEST_HEAD);
    loop {
        let accepted = async {
            let permit = Arc::clone(&connections).acquire_owned().await.expect("it is never closed");
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                // What is written is written at once; a socket that cannot do that works all the same.
                let _ = stream.set_nodelay(true);
                let mut stream = TimeoutStream::new(stream);
                stream.set_write_timeout(Some(limits.client));
                let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service.clone());
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    // A client that breaks off, or is too slow, is no fault of ours.
                    let _ = connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests are still open after the grace period");
    }
}
