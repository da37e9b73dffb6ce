use proptest::prelude::*;

use super::*;

const ADDRESSES: &[(&str, &str)] = &[
    (
        "https://shop.example/a?b=c&page=2#top",
        "https://shop.example/a?b=c&page=2#top",
    ),
    (
        "https://shop.example/token/abc",
        "https://shop.example/token/abc",
    ),
    ("wss://x/?token=abc", "wss://x/?token=REDACTED"),
    (
        "wss://x/?a=1&ACCESS_TOKEN=abc&b=2",
        "wss://x/?a=1&ACCESS_TOKEN=REDACTED&b=2",
    ),
    ("wss://x/?token=&sign", "wss://x/?token=&sign"),
    ("wss://x/?token=a=b==", "wss://x/?token=REDACTED"),
    ("wss://me:pw@x:8443/a@b", "wss://REDACTED@x:8443/a@b"),
    ("https://x?me@y", "https://x?me@y"),
    (
        "https://x/#access_token=abc&state=1",
        "https://x/#access_token=REDACTED&state=1",
    ),
    (
        "https://x/?next=https://y/?sig=abc",
        "https://x/?next=https://y/?sig=REDACTED",
    ),
    ("https://x/?%74oken=abc", "https://x/?%74oken=REDACTED"),
    (
        "https://x/?%zz=1&%=2&token%=abc",
        "https://x/?%zz=1&%=2&token%=REDACTED",
    ),
    (
        "https://x/?keyword=a&author=b&design=c&signal=d&monkey=e",
        "https://x/?keyword=a&author=b&design=c&signal=d&monkey=e",
    ),
    // A live room (Douyin), an API with its signature (Bilibili), addresses of streams (Huya, Alibaba Cloud), and of buckets.
    (
        "wss://x/webcast/im/push/v2/?room_id=73&cursor=t-1&signature=Wk4&a_bogus=Q7&X-Bogus=D1&msToken=h5&ttwid=1%7C&verifyFp=v1",
        "wss://x/webcast/im/push/v2/?room_id=73&cursor=t-1&signature=REDACTED&a_bogus=REDACTED&X-Bogus=REDACTED&msToken=REDACTED&ttwid=REDACTED&verifyFp=REDACTED",
    ),
    (
        "https://x/getDanmuInfo?id=5&wts=17&w_rid=ab1",
        "https://x/getDanmuInfo?id=5&wts=17&w_rid=REDACTED",
    ),
    (
        "https://x/1.flv?wsSecret=a&wsTime=b&fm=c&txSecret=d&auth_key=e",
        "https://x/1.flv?wsSecret=REDACTED&wsTime=b&fm=REDACTED&txSecret=REDACTED&auth_key=REDACTED",
    ),
    (
        "https://x/?X-Amz-Date=1&X-Amz-Credential=a&X-Amz-Signature=b",
        "https://x/?X-Amz-Date=1&X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED",
    ),
    (
        "https://x/?OSSAccessKeyId=a&Expires=1&Signature=b",
        "https://x/?OSSAccessKeyId=REDACTED&Expires=1&Signature=REDACTED",
    ),
    (
        "https://x/?__NS_sig3=a&sessionid=b&PHPSESSID=c&api_key=d&pwd=e",
        "https://x/?__NS_sig3=REDACTED&sessionid=REDACTED&PHPSESSID=REDACTED&api_key=REDACTED&pwd=REDACTED",
    ),
    ("", ""),
    ("about:blank", "about:blank"),
    ("不是地址?token=密", "不是地址?token=REDACTED"),
];

#[test]
fn secrets_leave_an_address_and_all_else_stays() {
    assert!(ADDRESSES.len() > 15);
    for (url, redacted) in ADDRESSES {
        assert_eq!(redact_url(url), *redacted);
        let borrowed = matches!(redact_url(url), Cow::Borrowed(_));
        assert_eq!(
            borrowed,
            url == redacted,
            "{url} is copied only where it changes"
        );
    }
}

#[test]
fn secrets_leave_header_fields_and_all_else_stays() {
    let cases = [
        ("Cookie", "ttwid=1; sessionid=2", "REDACTED"),
        ("set-cookie", "a=b; HttpOnly", "REDACTED"),
        ("Authorization", "Bearer abc", "REDACTED"),
        ("proxy-authorization", "Basic abc", "REDACTED"),
        ("X-Api-Key", "abc", "REDACTED"),
        ("X-CSRF-Token", "abc", "REDACTED"),
        ("Host", "push.example.com", "push.example.com"),
        ("Origin", "https://shop.example", "https://shop.example"),
        (
            "Referer",
            "https://shop.example/?token=abc",
            "https://shop.example/?token=REDACTED",
        ),
        (
            "Sec-WebSocket-Key",
            "ZVmZKm2uSySsrOZhtRA29Q==",
            "ZVmZKm2uSySsrOZhtRA29Q==",
        ),
        (
            "Sec-WebSocket-Accept",
            "953gl1jdxY+E8yi6fjduaDAvp0Q=",
            "953gl1jdxY+E8yi6fjduaDAvp0Q=",
        ),
        ("Sec-WebSocket-Protocol", "pagewire.v1", "pagewire.v1"),
        (
            "Sec-WebSocket-Protocol",
            "pagewire.v1,pagewire.token.c2Vj",
            "pagewire.v1, pagewire.token.REDACTED",
        ),
        (
            "Sec-WebSocket-Protocol",
            "graphql-transport-ws, actioncable-v1-json, v12.stomp",
            "graphql-transport-ws, actioncable-v1-json, v12.stomp",
        ),
        (
            "Sec-WebSocket-Protocol",
            "chat, eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIx.abc",
            "chat, REDACTED",
        ),
        (
            "Sec-WebSocket-Protocol",
            "access_token, abc, chat",
            "access_token, REDACTED, chat",
        ),
        (
            "Sec-WebSocket-Protocol",
            "base64url.bearer.authorization.k8s.io.ZXlKaGJHY2lPaUpTVXpJMU5p",
            "REDACTED",
        ),
    ];
    for (name, value, redacted) in cases {
        let mut headers = Headers::from([(name.to_owned(), value.to_owned())]);
        redact_headers(&mut headers);
        assert_eq!(headers[name], redacted, "{name}: {value}");
    }
}

proptest! {
    #[test]
    fn a_secret_never_stays_and_nothing_changes_twice(
        before in "[a-z/]{0,5}",
        name in prop_oneof![Just("token"), Just("wsSecret"), Just("X-Bogus"), Just("sign"), Just("SESSDATA")],
        secret in "[A-Za-z0-9%=+/]{8,40}",
        after in "(&[b-e]{1,3}=[a-z]{0,3}){0,3}",
    ) {
        let url = format!("wss://x/{before}?{name}={secret}{after}");
        let redacted = redact_url(&url).into_owned();
        prop_assert!(!redacted.contains(&secret));
        prop_assert!(redacted.ends_with(&after));
        prop_assert_eq!(redact_url(&redacted), &*redacted);
    }

    #[test]
    fn no_text_panics(url in any::<String>()) {
        let redacted = redact_url(&url).into_owned();
        prop_assert_eq!(redact_url(&redacted), &*redacted);
    }
}
