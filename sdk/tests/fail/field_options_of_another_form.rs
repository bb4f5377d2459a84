use stepwell::prelude::*;

async fn campaigns(_query: OptionsQuery) -> Vec<Choice> {
    Vec::new()
}

async fn workspaces(_query: OptionsQuery, _cx: OptionsContext) -> Vec<Choice> {
    Vec::new()
}

#[config]
struct Find {
    #[field(options = campaigns)]
    campaign: String,
    #[field(options = workspaces)]
    workspace: String,
}

fn main() {}
