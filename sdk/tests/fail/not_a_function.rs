use stepwell::prelude::*;

#[step(outcomes(found))]
struct Find;

fn main() {}
