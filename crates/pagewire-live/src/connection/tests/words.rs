use super::*;

fn failure(kind: FailureKind, text: &str) -> Failure {
    Failure {
        kind,
        text: text.to_owned(),
    }
}

const KINDS: [FailureKind; 6] = [
    FailureKind::NoHost,
    FailureKind::Unreachable,
    FailureKind::TimedOut,
    FailureKind::Tls,
    FailureKind::Signer,
    FailureKind::Other,
];

pub(super) fn every_reason() -> Vec<Reason> {
    let text = || "made up".to_owned();
    let handshake = |status| {
        Reason::Handshake(Handshake {
            status,
            said: text(),
            retry_after_ms: None,
        })
    };
    let mut reasons = vec![
        Reason::Asking,
        Reason::NotLive,
        Reason::NoAnswer(failure(FailureKind::TimedOut, "")),
        Reason::Missing,
        Reason::LogIn,
        Reason::Captcha,
        Reason::TooOften,
        Reason::Unclear { status: 200 },
        Reason::Opening,
        Reason::Entered,
        Reason::Messages,
        Reason::PageLoads,
        Reason::NoSocket,
        Reason::Sent { address: text() },
        Reason::NoTab { text: text() },
        Reason::Denied {
            code: "-101".into(),
        },
        Reason::ClosedEarly {
            code: Some(1_008),
            text: text(),
        },
        Reason::Dropped {
            code: None,
            text: String::new(),
        },
        Reason::SiteCloses,
        Reason::Moved,
        Reason::Silent { ms: 45_000 },
        Reason::Polling,
        Reason::Ended { text: text() },
        Reason::Paused,
        Reason::Resumed,
        Reason::Masked,
        Reason::NoAddress,
        Reason::NoFact { what: "presenter" },
        Reason::GivenUp {
            tries: 6,
            last: Box::new(handshake(200)),
        },
    ];
    reasons.extend([200, 302, 401, 403, 404, 429, 502, 503].map(handshake));
    reasons.extend(KINDS.map(|kind| Reason::Unreachable(failure(kind, "made up"))));
    reasons
}

#[test]
fn every_reason_reads_in_both_languages() {
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..'\u{a000}').contains(&c));
    for reason in every_reason() {
        let (english, chinese) = (reason.to_string(), reason.zh());
        assert!(
            english.is_ascii() && !english.ends_with('.') && !english.contains("  "),
            "{english}"
        );
        assert!(is_chinese(&chinese), "{english}: {chinese}");
        assert!(
            reason
                .name()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        );
        if let Some([english, chinese]) = reason.next_step() {
            assert!(
                english.ends_with('.') && is_chinese(chinese),
                "{english} {chinese}"
            );
        }
    }
}

#[test]
fn refusals_say_what_happened_and_what_to_do() {
    let blocked = [
        ("handshake-msg", "DEVICE_BLOCKED"),
        ("Handshake-Status", "415"),
    ];
    let blocked = Reason::Handshake(Handshake::read(200, &blocked));
    assert_eq!(
        blocked.to_string(),
        "the site refused to open the socket with 200 (DEVICE_BLOCKED 415): the signature or the description of the browser was refused"
    );
    assert_eq!(
        blocked.zh(),
        "网站拒绝建立连接（200）（DEVICE_BLOCKED 415）：签名或浏览器信息被拒绝"
    );
    let [step, _] = blocked.next_step().unwrap();
    assert!(
        step.contains("user agent") && step.contains("your own tab"),
        "{step}"
    );
    let cases = [
        (
            Reason::Dropped {
                code: None,
                text: String::new(),
            },
            "the connection ended without a word",
        ),
        (
            Reason::Dropped {
                code: Some(1_013),
                text: "busy".into(),
            },
            "the connection ended with code 1013 (busy)",
        ),
        (Reason::Silent { ms: 45_999 }, "nothing came for 45 s"),
        (
            Reason::Unreachable(failure(FailureKind::NoHost, "push.example")),
            "no connection: the name of the host is not known (DNS) (push.example)",
        ),
        (
            Reason::GivenUp {
                tries: 6,
                last: Box::new(Reason::Denied {
                    code: "-101".into(),
                }),
            },
            "given up after 6 tries: the site did not let us into the room (code -101)",
        ),
    ];
    for (reason, text) in cases {
        assert_eq!(reason.to_string(), text);
    }
}

#[test]
fn texts_of_others_are_cut() {
    let text = |bytes: usize| {
        let mut rig = Rig::direct();
        rig.tell(Input::Start);
        let reason = "x".repeat(bytes);
        rig.tell(Input::Closed {
            connection: FIRST,
            code: None,
            reason: &reason,
        });
        let reason = &rig.connection.status().reason;
        let Reason::ClosedEarly { text, .. } = reason else {
            panic!("{reason:?}");
        };
        text.len()
    };
    assert_eq!(text(REASON_TEXT_BYTES_MAX), REASON_TEXT_BYTES_MAX);
    assert_eq!(text(REASON_TEXT_BYTES_MAX + 1), REASON_TEXT_BYTES_MAX);
    assert_eq!(reason::cut(&"é".repeat(200)).len(), REASON_TEXT_BYTES_MAX);
}
