use stepwell::prelude::*;

#[connection(bearer = api_kye, basic(user), header("X Api" = api_key))]
struct Lemlist {
    api_key: Secret,
}

#[connection(bearer = token, header("X-Api-Key" = token))]
struct Twice {
    token: Secret,
}

#[connection(oauth2(authorize_url = "http://provider.example/authorize", scope = ["repo"]))]
struct GitHub {
    organisation: String,
}

#[connection]
struct Unit;

#[connection(app = "")]
struct Nobodys {
    token: Secret,
}

fn main() {}
