//! The released binary: its size, and how soon it listens.

use crate::bench::engine::Engine;
use crate::bench::stage::Stage;
use crate::bench::{Outcome, process};

/// How often it is started in a round.
const STARTS: usize = 4;

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    stage.note("start.binary", "MB", process::size(&stage.released)? / 1e6);
    for _ in 0..stage.plan.rounds * STARTS {
        let place = stage.place().await?;
        let engine = Engine::start(&stage.released, &place).await?;
        stage.note("start.listening", "ms, on an empty database", engine.listening);
        engine.stop().await?;
        let engine = Engine::start(&stage.released, &place).await?;
        stage.note("start.again", "ms, on a database that is there", engine.listening);
        engine.stop().await?;
    }
    Ok(())
}
