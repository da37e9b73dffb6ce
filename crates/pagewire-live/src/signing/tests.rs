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
fn an_address_of_the_user_goes_on_from_the_last_cursor() {
    let (signing, _) = request(&Resume::default(), 1);
    let address = "wss://x.test/?aid=1&cursor=&internal_ext=old&signature=s";
    assert_eq!(signing.resumed(address, &Resume::default()), address);
    let resume = Resume {
        cursor: "t-1|2".into(),
        internal_ext: "new".into(),
    };
    assert_eq!(
        signing.resumed(address, &resume),
        "wss://x.test/?aid=1&cursor=t-1%7C2&internal_ext=new&signature=s"
    );
    assert_eq!(signing.resumed("wss://x.test/", &resume), "wss://x.test/");
}

#[test]
fn a_signer_gets_json_with_the_parameters_in_their_order() {
    let request = SignRequest {
        site: "douyin".into(),
        room_id: "7".into(),
        address: "wss://push.example/".into(),
        parameters: [("z", "1"), ("a", "价\"")]
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec(),
        signed: "live_id=1,room_id=7".into(),
        md5: "5d41402abc4b2a76b9719d911017c592".into(),
        user_agent: AGENT.into(),
        result: "X-Bogus".into(),
    };
    let expected = r#"{"site":"douyin","room_id":"7","address":"wss://push.example/","parameters":{"z":"1","a":"价\""},"signed":"live_id=1,room_id=7","md5":"5d41402abc4b2a76b9719d911017c592","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Made/1.0"}"#;
    assert_eq!(request.json(), expected);
    assert!(!format!("{request:?}").contains('价'));
}

fn address(headers: &[(&str, &str)]) -> SignAnswer {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    SignAnswer::Address {
        url: "wss://push.example/?signature=x".to_owned(),
        headers: headers.collect(),
    }
}

#[test]
fn a_signer_may_give_a_signature_or_a_whole_address() {
    let signature = |text: &str| SignAnswer::Signature(text.to_owned());
    let json = [
        (r#""abc""#, signature("abc")),
        (r#"{"signature": "x/+="}"#, signature("x/+=")),
        (r#"{"X-Bogus": "abc"}"#, signature("abc")),
        (r#""wss://push.example/?signature=x""#, address(&[])),
        (
            r#"{"url": "wss://push.example/?signature=x", "headers": null}"#,
            address(&[]),
        ),
        (
            r#"{"url": "wss://push.example/?signature=x", "headers": {"Cookie": "ttwid=made"}}"#,
            address(&[("Cookie", "ttwid=made")]),
        ),
    ];
    for (given, expected) in json {
        let expected = Ok((expected, None));
        assert_eq!(
            SignAnswer::read_json(given.as_bytes(), "X-Bogus"),
            expected,
            "{given}"
        );
        assert_eq!(
            SignAnswer::read(given.as_bytes(), "X-Bogus"),
            expected,
            "{given}"
        );
    }
    let bare = [
        ("DFSzswVO/x+y=\n", signature("DFSzswVO/x+y=")),
        ("12345678", signature("12345678")),
        ("wss://push.example/?signature=x\r\n", address(&[])),
    ];
    for (given, expected) in bare {
        let expected = Ok((expected, None));
        assert_eq!(
            SignAnswer::read(given.as_bytes(), "X-Bogus"),
            expected,
            "{given}"
        );
        assert!(
            SignAnswer::read_json(given.as_bytes(), "X-Bogus").is_err(),
            "{given}"
        );
    }
}

#[test]
fn unknown_members_are_ignored_and_named() {
    let note = |json: &serde_json::Value| {
        let (_, note) = SignAnswer::read_json(json.to_string().as_bytes(), "X-Bogus").unwrap();
        note.unwrap().to_string()
    };
    let note_of_two = note(&serde_json::json!({"signature": "s", "took": 3, "by": "x"}));
    assert_eq!(
        note_of_two,
        "members of the answer that mean nothing here: \"by\", \"took\""
    );
    let mut many: serde_json::Map<_, _> = (0..UNKNOWN_NAMED + 12)
        .map(|n| (format!("m{n:02}"), serde_json::Value::Null))
        .collect();
    many.insert("signature".into(), "s".into());
    assert!(note(&many.into()).ends_with("\"m07\" and 12 more"));
}

/// `UNKNOWN_NAMED_MAX`
const UNKNOWN_NAMED: usize = 8;

#[test]
fn what_a_signer_must_not_give_is_said_with_its_place() {
    let cases = [
        (" \n", "answer is empty"),
        ("null", "answer is null"),
        ("[]", "is a list, and should be a text, {\"signature\""),
        ("{}", "neither \"signature\" nor \"url\", but nothing"),
        (r#"{"sign": "x"}"#, "but \"sign\""),
        (r#"{"error": "no window"}"#, "is an error: no window"),
        (r#"{"message": "later", "code": 3}"#, "is an error: later"),
        (
            r#"{"signature": 1}"#,
            "member \"signature\" of the signer's answer is a number",
        ),
        (
            r#"{"X-Bogus": null}"#,
            "member \"X-Bogus\" of the signer's answer is null",
        ),
        (r#"{"signature": "s", "url": "ws://h"}"#, "both"),
        ("{", "is no JSON"),
        ("\"a", "is no JSON"),
        ("two words", "characters that no signature has"),
        ("<html>", "characters that no signature has"),
        ("\"\"", "is empty"),
        (
            r#"{"url": ["ws://h"]}"#,
            "member \"url\" of the signer's answer is a list",
        ),
        (r#"{"url": "https://x.test/"}"#, "begin with wss://"),
        (r#"{"url": "wss:///x"}"#, "begin with wss://"),
        (r#"{"url": "wss://x.test/ a"}"#, "white space"),
        (
            r#"{"url": "ws://h", "headers": []}"#,
            "member \"headers\" of the signer's answer is a list",
        ),
        (
            r#"{"url": "ws://h", "headers": {"Cookie": 1}}"#,
            "member \"headers.Cookie\" of the signer's answer is a number",
        ),
        (
            r#"{"url": "ws://h", "headers": {"A b": "x"}}"#,
            "no name of a header",
        ),
        (
            r#"{"url": "ws://h", "headers": {"A": "x\r\nB: y"}}"#,
            "control characters",
        ),
    ];
    for (given, said) in cases {
        let error = SignAnswer::read(given.as_bytes(), "X-Bogus").expect_err(given);
        assert!(error.to_string().contains(said), "{given}: {error}");
        assert!(error.zh().starts_with("签名器"), "{}", error.zh());
    }
}

/// An answer with a part of this length.
type OfLength<'a> = &'a dyn Fn(usize) -> serde_json::Value;

#[test]
fn each_length_is_taken_at_its_limit_and_not_one_past_it() {
    use serde_json::{Value, json};
    let url = |length: usize| format!("ws://h/{}", "x".repeat(length - 7));
    let headers = |count: usize| -> Value {
        let headers = (0..count).map(|n| (format!("x-{n}"), Value::from("v")));
        Value::Object(headers.collect())
    };
    let cases: [(&str, OfLength<'_>, usize); 4] = [
        (
            "signature",
            &|n| json!({"signature": "s".repeat(n)}),
            SIGNATURE_BYTES_MAX,
        ),
        ("url", &|n| json!({"url": url(n)}), SIGN_URL_BYTES_MAX),
        (
            "headers",
            &|n| json!({"url": "ws://h", "headers": headers(n)}),
            SIGN_HEADERS_MAX,
        ),
        (
            "headers.cookie",
            &|n| json!({"url": "ws://h", "headers": {"cookie": "c".repeat(n)}}),
            SIGN_HEADER_BYTES_MAX,
        ),
    ];
    for (path, of_length, max) in cases {
        let read = |length| SignAnswer::read_json(of_length(length).to_string().as_bytes(), "");
        assert!(read(max).is_ok(), "{path}");
        let error = read(max + 1).expect_err(path);
        assert_eq!(error.path, path);
        assert!(error.to_string().contains("more than"), "{error}");
    }
    let padded = |length: usize| format!("\"s\"{}", " ".repeat(length - 3));
    for read in [SignAnswer::read, SignAnswer::read_json] {
        assert!(read(padded(SIGN_ANSWER_BYTES_MAX).as_bytes(), "").is_ok());
        let (got, max) = (SIGN_ANSWER_BYTES_MAX + 1, SIGN_ANSWER_BYTES_MAX);
        let error = read(padded(got).as_bytes(), "").expect_err("too long");
        assert_eq!(error.fault, SignAnswerFault::TooLong { got, max });
    }
}

#[test]
fn what_is_logged_of_an_answer_has_no_secret() {
    let json = r#"{"url": "wss://x.test/?signature=s3cret", "headers": {"Cookie": "s3cret"}}"#;
    for given in [json, "s3cret"] {
        let (answer, _) = SignAnswer::read(given.as_bytes(), "").unwrap();
        assert!(!format!("{answer:?}").contains("s3cret"));
    }
}
