use super::*;
use crate::sites::SiteTable;

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Made/1.0";

fn request(resume: &Resume, seed: u64) -> (Signing, SignRequest) {
    let table = SiteTable::shipped();
    let entry = table.get("douyin").unwrap();
    let signing = entry.signing.clone().unwrap();
    let facts = RoomFacts {
        room_id: "7300000000000000001".into(),
        viewer: "7200000000000000002".into(),
        ..RoomFacts::default()
    };
    let browser = Browser::of_user_agent(AGENT);
    let request = signing.request(
        "douyin",
        &entry.push[0],
        &facts,
        &browser,
        resume,
        1_700_000_000_000,
        seed,
    );
    (signing, request)
}

#[test]
fn the_signed_line_has_the_thirteen_fields_in_their_order() {
    let (_, request) = request(&Resume::default(), 1);
    let line = "live_id=1,aid=6383,version_code=180800,webcast_sdk_version=1.0.15,room_id=7300000000000000001,sub_room_id=,sub_channel_id=,\
                did_rule=3,user_unique_id=7200000000000000002,device_platform=web,device_type=,ac=,identity=audience";
    assert_eq!(request.signed, line);
    assert_eq!(request.signed.split(',').count(), 13);
    // By md5sum.
    assert_eq!(request.md5, "734022be6ef28b7418d75024c8aa3178");
    assert_eq!(request.user_agent, AGENT);
}

#[test]
fn md5_is_that_of_rfc_1321() {
    assert_eq!(md5_hex(b""), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(
        md5_hex(b"message digest"),
        "f96b697d7cb7938d525a2f31aaf161d0"
    );
}

#[test]
fn a_first_connection_makes_its_cursor_and_a_later_one_goes_on_from_the_last() {
    let parameter = |request: &SignRequest, name: &str| {
        let mut parameters = request.parameters.iter();
        parameters
            .find(|(known, _)| known == name)
            .expect(name)
            .1
            .clone()
    };
    let (_, first) = request(&Resume::default(), 1);
    let cursor = parameter(&first, "cursor");
    assert!(
        cursor.starts_with("d-1_u-1_fh-7") && cursor.ends_with("_t-1700000000000_r-1"),
        "{cursor}"
    );
    let ext = parameter(&first, "internal_ext");
    assert!(ext.starts_with("internal_src:dim|wss_push_room_id:7300000000000000001|wss_push_did:7200000000000000002|"), "{ext}");
    assert_eq!(request(&Resume::default(), 1).1, first, "a seed decides");
    assert_ne!(request(&Resume::default(), 2).1, first);
    let resume = Resume {
        cursor: "t-1_r-{room_id}".into(),
        internal_ext: "a|b".into(),
    };
    let (_, later) = request(&resume, 1);
    assert_eq!(
        parameter(&later, "cursor"),
        "t-1_r-{room_id}",
        "braces of a value stay"
    );
    assert_eq!(parameter(&later, "internal_ext"), "a|b");
    assert_eq!(later.md5, first.md5, "they are not signed");
}

#[test]
fn the_address_has_all_parameters_and_the_signature() {
    let (signing, request) = request(&Resume::default(), 1);
    let address = request.address_with(&signing, "a+b/=");
    assert!(address.starts_with("wss://webcast100-ws-web-lq.douyin.com/webcast/im/push/v2/?app_name=douyin_web&version_code=180800&"), "{address}");
    assert!(
        address.ends_with("&heartbeatDuration=0&signature=a%2Bb%2F%3D"),
        "{address}"
    );
    assert!(
        address.contains(
            "&browser_version=5.0%20(Windows%20NT%2010.0%3B%20Win64%3B%20x64)%20Made%2F1.0&"
        ),
        "{address}"
    );
    assert!(
        address.contains("%7Cwss_push_room_id%3A7300000000000000001%7C"),
        "{address}"
    );
    // 31 of the table and the signature.
    assert_eq!(address.split('&').count(), 32);
}

#[test]
fn a_signer_gets_json() {
    let (_, request) = request(&Resume::default(), 1);
    let json = serde_json::to_value(&request).unwrap();
    assert_eq!(json["site"], "douyin");
    assert_eq!(json["md5"], *request.md5);
    assert_eq!(
        json["parameters"][0],
        serde_json::json!(["app_name", "douyin_web"])
    );
}

#[test]
fn a_signer_may_give_a_signature_or_a_whole_address() {
    let signature = |text: &str| Ok(SignAnswer::Signature(text.to_owned()));
    let address = |headers: &[(&str, &str)]| {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let address = "wss://push.example/?signature=x".to_owned();
        Ok(SignAnswer::Address {
            address,
            headers: headers.collect(),
        })
    };
    let cases = [
        ("DFSzswVO/x+y=\n", signature("DFSzswVO/x+y=")),
        ("00000000", signature("00000000")),
        (r#""abc""#, signature("abc")),
        (r#"{"signature": "abc"}"#, signature("abc")),
        (r#"{"X-Bogus": "abc"}"#, signature("abc")),
        ("wss://push.example/?signature=x", address(&[])),
        (
            r#"{"address": "wss://push.example/?signature=x"}"#,
            address(&[]),
        ),
        (
            r#"{"address": "wss://push.example/?signature=x", "headers": {"Cookie": "ttwid=made"}}"#,
            address(&[("Cookie", "ttwid=made")]),
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(SignAnswer::read(given, "X-Bogus"), expected, "{given}");
    }
}

#[test]
fn what_a_signer_must_not_give_is_said() {
    let cases = [
        (
            " \n",
            "the signer gave nothing; it has to give the signature",
        ),
        ("{\"signature\": 1}", "invalid type: integer"),
        (
            "{\"signature\": \"a\", \"more\": 1}",
            "unknown field `more`",
        ),
        (
            "{\"sig\": \"a\"}",
            "unknown field `sig`, expected `signature`",
        ),
        ("{", "cannot be read"),
        ("\"a", "cannot be read"),
        ("two words", "a signature of 9 bytes"),
        ("<html>", "a signature of 6 bytes"),
        ("\"\"", "a signature of 0 bytes"),
        ("[1]", "a signature of 3 bytes"),
        (
            r#"{"address": "https://x.test/"}"#,
            "does not begin with wss://",
        ),
        (r#"{"address": "wss:///x"}"#, "does not begin with wss://"),
        (r#"{"address": "wss://x.test/ a"}"#, "white space"),
        (
            r#"{"address": "wss://x.test/", "headers": {"A b": ""}}"#,
            "the header \"A b\"",
        ),
        (
            "{\"address\": \"wss://x.test/\", \"headers\": {\"A\": \"x\\r\\nB: y\"}}",
            "the header \"A\"",
        ),
        (
            r#"{"address": "wss://x.test/", "cookies": ""}"#,
            "unknown field `cookies`",
        ),
    ];
    for (given, said) in cases {
        let error = SignAnswer::read(given, "X-Bogus")
            .expect_err(given)
            .to_string();
        assert!(error.contains(said), "{given}: {error}");
    }
}

#[test]
fn answers_of_signers_have_limits() {
    let signature = |bytes| SignAnswer::read(&"a".repeat(bytes), "");
    assert!(signature(SIGNATURE_BYTES_MAX).is_ok());
    let got = SIGNATURE_BYTES_MAX + 1;
    assert_eq!(signature(got), Err(SignAnswerError::Signature { got }));
    let address =
        |bytes: usize| SignAnswer::read(&format!("wss://x.test/?{}", "a".repeat(bytes - 14)), "");
    assert!(address(SIGN_ANSWER_BYTES_MAX).is_ok());
    let got = SIGN_ANSWER_BYTES_MAX + 1;
    assert_eq!(address(got), Err(SignAnswerError::TooLong { got }));
    let headers = |count: usize| {
        let headers: Vec<_> = (0..count).map(|n| format!("\"X-{n:03}\": \"v\"")).collect();
        SignAnswer::read(
            &format!(
                r#"{{"address": "wss://x.test/", "headers": {{{}}}}}"#,
                headers.join(",")
            ),
            "",
        )
    };
    assert!(headers(SIGN_HEADERS_MAX).is_ok());
    let name = format!("X-{SIGN_HEADERS_MAX:03}");
    assert_eq!(
        headers(SIGN_HEADERS_MAX + 1),
        Err(SignAnswerError::Header { name })
    );
}

#[test]
fn what_is_logged_of_an_answer_has_no_secret() {
    let answer = SignAnswer::read(
        r#"{"address": "wss://x.test/?signature=s3cret", "headers": {"Cookie": "s3cret"}}"#,
        "",
    )
    .unwrap();
    assert!(!format!("{answer:?}").contains("s3cret"));
    assert!(!format!("{:?}", SignAnswer::read("s3cret", "").unwrap()).contains("s3cret"));
}
