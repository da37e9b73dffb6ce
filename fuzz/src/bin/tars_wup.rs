//! WUP packets.
#![no_main]

use pagewire_codec::{TarsWriter, WupPacket};
use pagewire_fuzz::check_error;

pagewire_fuzz::target!(check, seeds: seeds());

/// The length in front is put right, so that more is read than that.
fn check(fields: &[u8]) {
    let length = u32::try_from(fields.len() + 4).expect("an input is small");
    let bytes = [&length.to_be_bytes()[..], fields].concat();
    check_packet(&bytes);
    if let Err(error) = WupPacket::decode(fields) {
        check_error(&error, fields.len());
    }
}

fn check_packet(bytes: &[u8]) {
    let packet = match WupPacket::decode(bytes) {
        Err(error) => return check_error(&error, bytes.len()),
        Ok(packet) => packet,
    };
    let written = packet.encode();
    let again = WupPacket::decode(&written).expect("it was written");
    assert_eq!(again, packet);
    match packet.arguments() {
        Err(error) => check_error(&error, packet.buffer.len()),
        Ok(arguments) => {
            let call = WupPacket::call(
                packet.request_id,
                packet.servant,
                packet.function,
                &arguments,
            );
            assert_eq!(call.arguments(), Ok(arguments.clone()));
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut room = TarsWriter::default();
    room.structure(0, |to| {
        to.integer(0, 1_400).text(1, "名字");
    });
    let room = room.into_bytes();
    let mut call = WupPacket::call(7, "liveui", "getLivingInfo", &[("tReq", &room), ("", &[])]);
    call.context = vec![("a", "b")];
    call.status = vec![("STATUS_RESULT_CODE", "0"), ("", "")];
    let mut typed = TarsWriter::default();
    typed.map(0, ["tReq"], |to, name| {
        to.text(0, name).map(1, ["HUYA.Req"], |to, kind| {
            to.text(0, kind).bytes(1, &room);
        });
    });
    let typed = WupPacket {
        version: 2,
        buffer: typed.into_bytes().into(),
        ..call.clone()
    };
    [call, typed]
        .iter()
        .map(|packet| packet.encode()[4..].to_vec())
        .collect()
}
