//! STT, the items of a message and the tree of it.
#![no_main]

use std::borrow::Cow;

use pagewire_codec::{STT_DEPTH_MAX, SttValue, SttWriter, stt_items, stt_value};
use pagewire_fuzz::{check_error, json_of};

pagewire_fuzz::target!(check, seeds: seeds());

fn check(bytes: &[u8]) {
    match SttValue::decode(bytes) {
        Err(error) => check_error(&error, bytes.len()),
        Ok(tree) => {
            check_depth(&tree, 0);
            json_of(&tree);
            let written = tree.encode();
            let again = SttValue::decode(written.as_bytes());
            assert_eq!(again.as_ref(), Ok(&tree), "{written}");
        }
    }
    if let Ok(message) = str::from_utf8(bytes) {
        check_items(message);
    }
}

fn check_depth(value: &SttValue<'_>, depth: usize) {
    if let SttValue::Items(items) = value {
        assert!(depth < STT_DEPTH_MAX);
        items
            .iter()
            .for_each(|(_, value)| check_depth(value, depth + 1));
    }
}

fn check_items(message: &str) {
    let items: Vec<_> = stt_items(message).collect();
    let mut to = SttWriter::default();
    let mut behind = 0;
    for item in &items {
        assert!(item.at >= behind, "items stand one behind the other");
        behind = item.at;
        if let Cow::Borrowed(value) = item.value {
            assert!(message[item.at..].starts_with(value));
        }
        if let Some(key) = &item.key {
            let first = items.iter().find(|other| other.key == item.key);
            assert_eq!(
                stt_value(message, key),
                first.map(|first| first.value.clone())
            );
            to.field(key, &item.value);
        } else {
            to.item(&item.value);
        }
    }
    let written = to.into_message();
    let parts = |item: pagewire_codec::SttItem<'_>| {
        (item.key.map(Cow::into_owned), item.value.into_owned())
    };
    assert!(
        stt_items(&written)
            .map(parts)
            .eq(items.into_iter().map(parts))
    );
}

fn seeds() -> Vec<Vec<u8>> {
    let messages = [
        "type@=chatmsg/rid@=102965/nn@=小@A/txt@=1@S2@A3@@AA/ic@=avatar@S201902@S2ef/bl@=0/",
        "el@=eid@A=15@Ssc@A=1@S/list@=lev@AA=4@ASnum@AA=3@AS@Slev@AA=3@AS@S/url@=https:@S@Sx@S/",
        "one/two//x@/y@=@/rid@=1/rid@=3",
        "p@=url@A=https:@AS@ASx@AS@S/c@={\"a\":[\"b@Sc\"]}/",
    ];
    messages.map(|message| message.as_bytes().to_vec()).to_vec()
}
