use stepwell::prelude::*;

#[connection(bearer = token)]
struct Lemlist {
    token: u64,
}

fn main() {}
