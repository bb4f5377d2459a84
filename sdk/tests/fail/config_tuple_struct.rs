use stepwell::prelude::*;

#[config]
struct Find(String);

fn main() {}
