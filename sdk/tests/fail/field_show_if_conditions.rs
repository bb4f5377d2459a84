use stepwell::prelude::*;

#[config]
struct Watch {
    kind: String,
    #[field(show_if(knid = "issue"))]
    near_miss: Option<String>,
    #[field(show_if(kind = "issue" | pull))]
    not_a_value: Option<String>,
    #[field(show_if(kind == "issue"))]
    compared: Option<String>,
    #[field(show_if(kind = "issue", kind = "pull"))]
    twice: Option<String>,
    #[field(show_if())]
    nothing: Option<String>,
    #[field(show_if = kind)]
    without_quotes: Option<String>,
    #[field(show_if("kind"))]
    quoted: Option<String>,
}

fn main() {}
