//! How many codes are sent (spec area 19, RTL-02): counted in the store, so that every replica counts with the others.

use futures_util::future::join_all;
use keymaker::clock::{HOUR, MINUTE};

use super::{server, signed_in};

#[tokio::test]
async fn three_codes_an_hour_go_to_one_address_whoever_asks() {
    // RTL-02
    let (sink, server) = server().await;
    for (i, name) in ["alice", "bob", "carol"].into_iter().enumerate() {
        signed_in(&server, name).await.page_of_code("shared@example.com").await;
        sink.nth_mail_to("shared@example.com", i + 1).await;
        server.pass(10 * MINUTE).await;
    }
    let dave = signed_in(&server, "dave").await;
    let refused = dave.enter_address("Shared@example.com").await;
    refused.assert_page(429, "Another one can be sent in 30 minutes.");
    assert_eq!(refused.header("retry-after"), Some("1800"));
    dave.page_of_code("daves@example.com").await;
    server.pass(30 * MINUTE).await;
    dave.page_of_code("shared@example.com").await;
    assert_eq!(dave.enter_address("shared@example.com").await.status, 429);
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to("shared@example.com").len(), 4);
}

#[tokio::test]
async fn five_codes_an_hour_are_sent_for_one_account_whatever_the_address() {
    // RTL-02
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    for i in 0..5 {
        browser.page_of_code(&format!("alice{i}@example.com")).await;
    }
    let refused = browser.enter_address("alice6@example.com").await;
    refused.assert_page(429, "Too many codes were sent.");
    let bob = signed_in(&server, "bob").await;
    bob.page_of_code("alice6@example.com").await;
    server.until_mails_are_sent().await;
    server.pass(HOUR).await;
    browser.page_of_code("alice7@example.com").await;
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails().len(), 7);
}

#[tokio::test]
async fn the_mail_to_the_owner_of_an_address_is_counted_like_a_code() {
    // RTL-05: otherwise the limit would tell whose address it is, and fill their mailbox.
    let (sink, server) = server().await;
    server.user_with_address("bob", "bob@example.com").await;
    let alice = signed_in(&server, "alice").await;
    for _ in 0..3 {
        alice.page_of_code("bob@example.com").await;
    }
    assert_eq!(alice.enter_address("bob@example.com").await.status, 429);
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to("bob@example.com").len(), 3);
}

#[tokio::test]
async fn twenty_requests_at_once_are_counted_one_after_the_other() {
    // RTL-02, TST-04
    let (sink, server) = server().await;
    let mut forms = Vec::new();
    for i in 0..20 {
        let browser = signed_in(&server, &format!("alice{i}")).await;
        let page = browser.form_of("add-email").await;
        forms.push((browser, page));
    }
    let sends = forms.iter().map(|(browser, page)| async move {
        let proof = crate::support::person::attribute(&page.body, "name=\"proof\" value=\"").unwrap();
        browser.submit(page, &[("email", "shared@example.com"), ("proof", &proof)]).await.status
    });
    let statuses = join_all(sends).await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 303 | 429)), "{statuses:?}");
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to("shared@example.com").len(), 3);
}
