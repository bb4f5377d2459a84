//! News from other processes, by `LISTEN` and `NOTIFY`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::with_causes;
use super::lease::Lease;
use crate::model::{RunId, WorkflowId};
use crate::store::News;

/// The channel of all engines on a database.
pub(super) const CHANNEL: &str = "stepwell";
/// How long to wait before a lost connection is made again.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is sent through the channel: `epoch:kind:id`.
pub(super) struct Notice {
    /// Who sends it, and need not hear it.
    pub(super) epoch: i64,
    pub(super) news: News,
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = self.epoch;
        match &self.news {
            News::Run(id) => write!(formatter, "{epoch}:run:{id}"),
            News::Cancel(id) => write!(formatter, "{epoch}:cancel:{id}"),
            News::Workflow(id) => write!(formatter, "{epoch}:workflow:{id}"),
            News::Look | News::Missed | News::LeaseLost => write!(formatter, "{epoch}:look:"),
        }
    }
}

impl FromStr for Notice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().ok_or_else(|| format!("`{text}` is no notice"));
        let epoch = next()?.parse().map_err(|_| format!("`{text}` has no epoch"))?;
        let (kind, id) = (next()?, next()?);
        let run = || id.parse().map(RunId).map_err(|_| format!("`{id}` is no run"));
        let news = match kind {
            "run" => News::Run(run()?),
            "cancel" => News::Cancel(run()?),
            "workflow" => News::Workflow(WorkflowId(id.to_owned())),
            _ => News::Look,
        };
        Ok(Self { epoch, news })
    }
}

/// Listens for ever. After a lost connection anything may have been missed.
pub(super) async fn listen(
    (config, tls): (Config, MakeRustlsConnect),
    lease: Arc<Lease>,
    news: broadcast::Sender<News>,
) {
    loop {
        if let Err(error) = listen_once(&config, tls.clone(), &lease, &news).await {
            tracing::warn!(
                error = with_causes(&error),
                "news from other engines cannot be heard; listening again"
            );
        }
        tokio::time::sleep(CONNECT_AGAIN_AFTER).await;
    }
}

async fn listen_once(
    config: &Config,
    tls: MakeRustlsConnect,
    lease: &Lease,
    news: &broadcast::Sender<News>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(tls).await?;
    let listening = client.batch_execute("LISTEN stepwell");
    let mut listening = std::pin::pin!(listening);
    let mut listens = false;
    loop {
        tokio::select! {
            result = &mut listening, if !listens => {
                result?;
                listens = true;
                tell(news, News::Missed);
            }
            message = std::future::poll_fn(|cx| connection.poll_message(cx)) => match message {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    match notification.payload().parse::<Notice>() {
                        Ok(notice) if notice.epoch == lease.epoch() => {}
                        Ok(notice) => tell(news, notice.news),
                        Err(error) => tracing::debug!(error, "a notice was not understood"),
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    }
}

fn tell(news: &broadcast::Sender<News>, what: News) {
    // Nobody may be listening.
    let _ = news.send(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_it_was_written() {
        let id = RunId(uuid::Uuid::now_v7());
        let workflow = News::Workflow(WorkflowId("a:b".to_owned()));
        for news in [News::Run(id), News::Cancel(id), workflow, News::Look] {
            let notice: Notice = Notice { epoch: 7, news: news.clone() }.to_string().parse().unwrap();
            assert_eq!((notice.epoch, notice.news), (7, news));
        }
        assert!("1:run:x".parse::<Notice>().is_err());
    }
}
