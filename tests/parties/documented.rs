//! What docs/applications.md tells people to type is what the stories run, and what the configuration takes.

use std::collections::BTreeMap;

use keymaker::config;
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/applications.md");

/// The blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let rest = PAGE.split(&opening).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_django_project_of_the_documentation_is_the_one_that_people_log_in_to_here() {
    let settings = include_str!("django/wiki/settings.py");
    let about_us = &settings[settings.find("KEYMAKER = ").unwrap()..];
    let values = [
        ("os.environ[\"KEYMAKER_ISSUER\"]", "\"https://auth.example.com/\""),
        ("os.environ[\"KEYMAKER_CLIENT_ID\"]", "\"the-wiki\""),
        ("os.environ[\"KEYMAKER_CLIENT_SECRET\"]", "\"the secret of the client\""),
    ];
    let told = values.iter().fold(about_us.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs));
    assert_eq!(blocks("python"), [told.as_str(), include_str!("django/wiki/accounts.py")]);
}

#[test]
fn each_client_of_the_documentation_can_be_configured() {
    let clients = blocks("yaml");
    assert_eq!(clients.len(), 3);
    for block in clients {
        let mut value: Value = serde_saphyr::from_str(block).unwrap();
        // Whoever leaves the placeholder as it is is told so.
        value["clients"][0]["client_secret"] = json!("uV3m9xQ0rT7zKc5LhB1n");
        let directory = tempfile::tempdir().unwrap();
        let set = |clients: &Value| BTreeMap::from([("KEYMAKER__CLIENTS".to_owned(), clients.to_string())]);
        let config = config::development(directory.path(), &set(&value["clients"])).unwrap_or_else(|p| panic!("{p}"));
        assert_eq!(config.clients[0].client_id, "the-wiki");
        let mut wrong = value["clients"].clone();
        wrong[0]["redirect_uris"] = json!(["not an address"]);
        assert!(
            config::development(directory.path(), &set(&wrong)).is_err(),
            "a check that takes anything checks nothing"
        );
    }
}
