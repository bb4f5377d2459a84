use stepwell::prelude::*;

#[config]
struct Watch {
    kind: String,
    #[field(show_if(kind = "issue"))]
    labels: Vec<String>,
}

fn main() {}
