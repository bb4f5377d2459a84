use stepwell::prelude::*;

#[data]
struct Pending<T> {
    request: T,
}

fn main() {}
