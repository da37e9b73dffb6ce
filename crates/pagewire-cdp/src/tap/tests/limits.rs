use super::*;

#[test]
fn a_socket_over_the_limit_is_passed_over_and_the_first_is_told() {
    let (mut taps, page) = (taps(&["ws:*"]), session("S"));
    let name = "Network.webSocketCreated";
    for id in 0..TAP_SOCKETS_MAX {
        feed(
            &mut taps,
            &page,
            name,
            &created(&id.to_string(), "wss://x/"),
        )
        .unwrap();
    }
    let over = feed(&mut taps, &page, name, &created("over", "wss://x/"));
    let (got, max) = (TAP_SOCKETS_MAX + 1, TAP_SOCKETS_MAX);
    let what = "WebSockets of a page";
    assert_eq!(over, Err(Error::Limit { what, got, max }));
    assert_eq!(
        feed(&mut taps, &page, name, &created("more", "wss://x/")),
        Ok(())
    );
    let received = "Network.webSocketFrameReceived";
    feed(&mut taps, &page, received, &frame("over", 1, "lost")).unwrap();
    assert_eq!(lines(&mut taps), Vec::<String>::new());
    // Those below the limit go on, and each that closes makes room.
    feed(&mut taps, &page, received, &frame("0", 1, "kept")).unwrap();
    feed(&mut taps, &page, "Network.webSocketClosed", &closed("0")).unwrap();
    open(&mut taps, &page, "next", "wss://x/");
    let kinds: Vec<_> = values(&mut taps)
        .into_iter()
        .map(|(connection, value)| format!("{connection} {}", value["kind"].as_str().unwrap()))
        .collect();
    let next = format!("{}-x open", TAP_SOCKETS_MAX + 1);
    assert_eq!(kinds, ["1-x open", "1-x text", "1-x close", &next]);
}

#[test]
fn a_request_over_the_limit_is_passed_over_and_the_first_is_told() {
    let (mut taps, page) = (taps(&["http:x"]), session("S"));
    let name = "Network.requestWillBeSent";
    for id in 0..TAP_REQUESTS_MAX {
        feed(
            &mut taps,
            &page,
            name,
            &request(&id.to_string(), "https://x/"),
        )
        .unwrap();
        feed(
            &mut taps,
            &page,
            name,
            &request(&format!("other-{id}"), "https://y/"),
        )
        .unwrap();
    }
    let over = feed(&mut taps, &page, name, &request("over", "https://x/"));
    let (got, max) = (TAP_REQUESTS_MAX + 1, TAP_REQUESTS_MAX);
    let what = "requests of a page";
    assert_eq!(over, Err(Error::Limit { what, got, max }));
    assert_eq!(
        feed(&mut taps, &page, name, &request("more", "https://x/")),
        Ok(())
    );
    feed(&mut taps, &page, "Network.loadingFinished", &closed("over")).unwrap();
    assert_eq!(lines(&mut taps), Vec::<String>::new());
    feed(&mut taps, &page, "Network.loadingFailed", &closed("0")).unwrap();
    feed(&mut taps, &page, name, &request("next", "https://x/")).unwrap();
    feed(&mut taps, &page, "Network.loadingFinished", &closed("next")).unwrap();
    assert_eq!(lines(&mut taps).last().unwrap(), "want body of next");
}

#[test]
fn an_address_is_cut_at_its_limit_and_not_inside_a_character() {
    for (bytes, told) in [
        (TAP_URL_BYTES_MAX, TAP_URL_BYTES_MAX),
        (TAP_URL_BYTES_MAX + 1, TAP_URL_BYTES_MAX),
    ] {
        for secrets in [Secrets::Redact, Secrets::Keep] {
            let (mut taps, page) = (taps_with(&["ws:*://x/*z"], secrets), session("S"));
            let url = format!("wss://x/{}z", "a".repeat(bytes - 9));
            open(&mut taps, &page, "1", &url);
            let (_, value) = values(&mut taps).remove(0);
            assert_eq!(value["url"].as_str().unwrap().len(), told);
        }
    }
    let url = format!("wss://x/{}", "价".repeat(TAP_URL_BYTES_MAX));
    let mut taps = taps(&["ws:*"]);
    open(&mut taps, &session("S"), "1", &url);
    let (_, value) = values(&mut taps).remove(0);
    assert_eq!(value["url"].as_str().unwrap().len(), TAP_URL_BYTES_MAX - 2);
}
