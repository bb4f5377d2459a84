use stepwell::prelude::*;

#[derive(Outcomes)]
enum Shared {}

fn main() {}
