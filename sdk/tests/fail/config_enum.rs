use stepwell::prelude::*;

#[config]
enum Find {
    Quick,
}

fn main() {}
