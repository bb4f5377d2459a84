use stepwell::prelude::*;

#[options(cached)]
fn campaigns(_query: OptionsQuery) {}

#[options]
struct Campaigns;

fn main() {}
