//! The files of `docs/reverse-proxy` under the real nginx, HAProxy and Caddy (area 12, TRP-29): which path reaches Keymaker, which the
//! homeserver and which nobody, and that it arrives as it was sent. The homeserver stories stand behind this nginx too.

pub mod software;

use std::net::{Ipv4Addr, SocketAddr};

use axum::{
    Json, Router,
    extract::{Request, State},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::browser::{available, is_told_elsewhere};
use software::{Proxy, Software};

const MATRIX_HOST: &str = "matrix.example.com";
const KEYMAKER_HOST: &str = "auth.example.com";

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Upstream {
    Keymaker,
    Synapse,
    Nobody,
}
use Upstream::{Keymaker, Nobody, Synapse};

/// The paths of area 12, below each version of theirs.
const VERSIONS: [&str; 3] = ["api/v1", "r0", "v3"];
const LEGACY: [&str; 6] =
    ["login", "login/sso/redirect", "login/sso/redirect/corner-idp", "logout", "logout/all", "refresh"];
/// A query changes nothing, whatever stands in it.
const QUERIES: [&str; 3] = ["", "?", "?redirectUrl=https%3A%2F%2Fa.example/../logins?b=/c"];

/// What else is asked of the homeserver's host.
const OTHERS: &[(Upstream, &str)] = &[
    // The pattern's words elsewhere.
    (Synapse, "/_matrix/client/v1/login/get_token"),
    (Keymaker, "/_matrix/client/v1/register/m.login.registration_token/validity"),
    (Keymaker, "/_matrix/client/v1/register/m.login.registration_token/validity?token=a"),
    (Synapse, "/_matrix/client/v1/register/mxlogin.registration_token/validity"),
    (Synapse, "/_matrix/client/v1/register/m.login.registration_token/validity/"),
    (Synapse, "/_matrix/client/v3/register/m.login.registration_token/validity"),
    (Synapse, "/_matrix/client/v3/register"),
    (Synapse, "/_matrix/client/v3/login/get_token"),
    (Synapse, "/_matrix/client/v1/login"),
    (Synapse, "/_matrix/client/unstable/login"),
    (Synapse, "/_matrix/client/v3/logins"),
    (Synapse, "/_matrix/client/v3/LOGIN"),
    (Synapse, "/_matrix/client/v3/logout/all/of"),
    (Synapse, "/_matrix/client/v3/login/sso/redirect/a/b"),
    (Synapse, "/_matrix/client/v3/user/@a:b/account_data/login"),
    (Synapse, "/_matrix/client/v3/rooms/!x/state/m.room.topic/logout"),
    (Synapse, "/_matrix/client/v3/rooms/!x/send/m.room.message/refresh?a=/login"),
    (Synapse, "/_matrix/client/v3/sync?filter=/_matrix/client/v3/login"),
    // Another spelling of a legacy path, and a path that could be read as one.
    (Synapse, "/_matrix/client/v3/rooms/..%2flogin"),
    (Synapse, "/_matrix/client/v3/rooms/../login"),
    (Synapse, "/_matrix/client/v3/rooms/%2e%2e/login"),
    (Synapse, "/_matrix/client/v3//login"),
    (Synapse, "/_matrix/client//v3/login"),
    (Synapse, "/_matrix/client/v3/login//"),
    (Synapse, "/_matrix/client/v3/%6cogin"),
    (Synapse, "/_matrix/client/v3/login%2fsso%2fredirect"),
    (Synapse, "/_matrix/client/v3/login%3fa"),
    (Synapse, "/_matrix/client/v3/login%0a"),
    (Synapse, "/_matrix/client/v3/logout%2fall"),
    // What is the homeserver's arrives as it was sent.
    (Synapse, "/_matrix/client/v3/directory/room/%23a%2Fb:hs.test"),
    (Synapse, "/_matrix/client/v3/profile/@a%2Fb:hs.test/displayname"),
    (Synapse, "/_matrix/client/v1/auth_metadata"),
    (Synapse, "/_matrix/federation/v1/version"),
    (Synapse, "/_matrix/key/v2/server"),
    (Synapse, "/_matrix/media/v3/config"),
    (Synapse, "/_synapse/client/rendezvous/01JX"),
    (Synapse, "/.well-known/matrix/client"),
    // What is for the house alone, in any spelling of it.
    (Nobody, "/_synapse/mas/provision_user"),
    (Nobody, "/_synapse/mas/provision_user/..%2f..%2fclient/x"),
    (Nobody, "/_synapse/mas/provision_user/../../client/x"),
    (Nobody, "/_synapse/mas/provision_user/../../../_matrix/client/v3/login"),
    (Nobody, "/_synapse/mas/provision_user?/_synapse/client/x"),
    (Nobody, "/_synapse/%6das/provision_user"),
    (Nobody, "/_synapse//mas/provision_user"),
    (Nobody, "//_synapse/mas/provision_user"),
    (Nobody, "/_synapse/admin/v2/users"),
    (Nobody, "/_synapse/admin/v2/users/..%2f..%2f..%2f..%2f_matrix%2f"),
    // Keymaker's own paths have a host of their own.
    (Nobody, "/"),
    (Nobody, "/login"),
    (Nobody, "/metrics"),
    (Nobody, "/oauth2/introspect"),
    (Nobody, "/oauth2/introspect/..%2f..%2f_matrix/client/v3/login"),
];

/// What goes to Keymaker besides where it opens places for two devices, and to the homeserver where it does not.
const RENDEZVOUS: [&str; 5] = [
    "/_matrix/client/unstable/org.matrix.msc4108/rendezvous",
    "/_matrix/client/unstable/io.element.msc4388/rendezvous",
    "/_matrix/client/unstable/io.element.msc4388/rendezvous/01JX",
    "/_matrix/client/v1/rendezvous",
    "/_matrix/client/v1/rendezvous/01JX?a=/b",
];

#[tokio::test(flavor = "multi_thread")]
async fn nginx_sends_the_legacy_paths_to_keymaker_and_nothing_else() {
    each_path_goes_where_the_table_says(Software::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_sends_the_legacy_paths_to_keymaker_and_nothing_else() {
    each_path_goes_where_the_table_says(Software::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_sends_the_legacy_paths_to_keymaker_and_nothing_else() {
    each_path_goes_where_the_table_says(Software::Caddy).await;
}

async fn each_path_goes_where_the_table_says(software: Software) {
    if is_told_elsewhere() || !available(software.installed()) {
        return;
    }
    let (keymaker, synapse) = (echo("Keymaker").await, echo("Synapse").await);
    let start = |rendezvous| {
        let proxy = tokio::task::block_in_place(|| Proxy::start_with(software, keymaker, synapse, rendezvous));
        proxy.expect("the proxy starts")
    };
    let with_rendezvous = start(true);
    for target in RENDEZVOUS {
        expect(&with_rendezvous, MATRIX_HOST, "GET", target, Keymaker).await;
    }
    expect(&with_rendezvous, MATRIX_HOST, "GET", "/_matrix/client/v1/rendezvous/a/b", Synapse).await;
    expect(&with_rendezvous, MATRIX_HOST, "GET", "/_matrix/client/v3/rendezvous", Synapse).await;
    expect(&with_rendezvous, MATRIX_HOST, "POST", "/_matrix/client/v3/login", Keymaker).await;
    expect(&with_rendezvous, MATRIX_HOST, "POST", "/_synapse/mas/provision_user", Nobody).await;
    drop(with_rendezvous);
    let proxy = start(false);
    for target in RENDEZVOUS {
        expect(&proxy, MATRIX_HOST, "GET", target, Synapse).await;
    }

    let legacy = VERSIONS.iter().flat_map(|version| LEGACY.iter().map(move |path| (version, path)));
    for (version, path) in legacy {
        for (slash, query) in ["", "/"].iter().flat_map(|slash| QUERIES.iter().map(move |query| (slash, query))) {
            let target = format!("/_matrix/client/{version}/{path}{slash}{query}");
            expect(&proxy, MATRIX_HOST, "GET", &target, Keymaker).await;
        }
    }
    for method in ["OPTIONS", "POST", "PUT", "DELETE"] {
        expect(&proxy, MATRIX_HOST, method, "/_matrix/client/v3/login", Keymaker).await;
        expect(&proxy, MATRIX_HOST, method, "/_matrix/client/v3/devices/login", Synapse).await;
        expect(&proxy, MATRIX_HOST, method, "/_synapse/mas/provision_user", Nobody).await;
    }
    for (upstream, target) in OTHERS {
        expect(&proxy, MATRIX_HOST, "GET", target, *upstream).await;
    }
    for target in ["/", "/oauth2/token", "/account/?action=org.matrix.devices_list", "/login/..%2fregister"] {
        expect(&proxy, KEYMAKER_HOST, "GET", target, Keymaker).await;
    }
}

/// Sends a request and checks who got it, and that the upstream saw the path, the host and the client's address, which a header of the
/// client's own does not change.
async fn expect(proxy: &Proxy, host: &str, method: &str, target: &str, upstream: Upstream) {
    let (status, answer) = send(proxy.port, host, method, target).await.expect("an answer");
    let expected = match upstream {
        Nobody => (404, Value::Null),
        _ => (
            200,
            json!({
                "upstream": format!("{upstream:?}"),
                "method": method,
                "target": target,
                "host": host,
                "forwarded_for": ["127.0.0.1"],
            }),
        ),
    };
    assert_eq!((status, answer), expected, "{method} {target}");
}

/// Serves what it is asked, as JSON.
async fn echo(upstream: &'static str) -> SocketAddr {
    async fn say(State(upstream): State<&'static str>, request: Request) -> Json<Value> {
        let headers = |name| request.headers().get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
        Json(json!({
            "upstream": upstream,
            "method": request.method().as_str(),
            "target": request.uri().to_string(),
            "host": headers("host").collect::<String>(),
            "forwarded_for": headers("x-forwarded-for").collect::<Vec<_>>(),
        }))
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(say).with_state(upstream);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Writes a request by hand: a client library would tidy the path up. Answers the status and the body, where that is JSON.
async fn send(port: u16, host: &str, method: &str, target: &str) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}
