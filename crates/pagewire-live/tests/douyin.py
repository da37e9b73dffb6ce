"""Writes frames of Douyin with the package protobuf, for `douyin.rs`.

Arguments: the file of a FileDescriptorSet, a seed, how many frames. Standard output: a line of JSON for each frame, with its bytes and with each
message of it as the package reads it.
"""

import gzip
import json
import random
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.json_format import MessageToDict

PACKAGE = "pagewire.douyin."
DEPTH_MAX = 5
TEXTS = ["", "a", "弹幕", "[笑哭]", "\\u0000\n\t\"", "\u202e🎁", "{0:user} 来了", "长" * 100]
RANGES = {
    Field.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    Field.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    Field.CPPTYPE_UINT32: (0, 2**32 - 1),
    Field.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def number(rng, cpp_type):
    if cpp_type == Field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if cpp_type in (Field.CPPTYPE_FLOAT, Field.CPPTYPE_DOUBLE):
        return rng.choice([0.0, 0.5, -1.25, 1e10, rng.randrange(1000) / 8])
    if cpp_type == Field.CPPTYPE_ENUM:
        return 0
    low, high = RANGES[cpp_type]
    return rng.choice([0, 1, 2, 3, 4, rng.randrange(1, 30), 111111, low, high, rng.randint(low, high)])


def value(rng, field):
    if field.type == Field.TYPE_BYTES:
        return rng.randbytes(rng.choice([0, 1, 10]))
    if field.type == Field.TYPE_STRING:
        return rng.choice(TEXTS)
    return number(rng, field.cpp_type)


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def fill(rng, message, depth):
    for field in message.DESCRIPTOR.fields:
        # The first levels are mostly full, what is deep inside is sparse: a person has a hundred fields.
        if rng.random() > (0.9 if depth < 2 else 0.4 if depth < 3 else 0.1):
            continue
        if is_map(field):
            fill_map(rng, message, field, depth)
        elif field.message_type is not None:
            if depth >= DEPTH_MAX:
                continue
            times = rng.randrange(3) if field.is_repeated else 1
            for _ in range(times):
                inner = getattr(message, field.name)
                inner = inner.add() if field.is_repeated else inner
                inner.SetInParent() if not field.is_repeated else None
                fill(rng, inner, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(value(rng, field) for _ in range(rng.randrange(3)))
        elif field.name in ("action", "send_type"):
            # What these say, the kind of the event hangs on.
            setattr(message, field.name, rng.randrange(22))
        else:
            setattr(message, field.name, value(rng, field))


def fill_map(rng, message, field, depth):
    key, of = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
    entries = getattr(message, field.name)
    for _ in range(rng.randrange(3)):
        if of.message_type is None:
            entries[value(rng, key)] = value(rng, of)
        elif depth < DEPTH_MAX:
            fill(rng, entries[value(rng, key)], depth + 1)


def frame(rng, types, kinds):
    response = types["Response"]()
    told = []
    for name in kinds:
        message = types[name]()
        fill(rng, message, 0)
        entry = response.messages.add()
        entry.method = "Webcast" + name
        entry.payload = message.SerializeToString()
        entry.msg_id = rng.getrandbits(64)
        told.append({"method": entry.method, "id": str(entry.msg_id), "json": MessageToDict(message)})
    response.cursor = "t-1_r-1_d-1_u-1"
    push = types["PushFrame"]()
    push.seq_id = rng.getrandbits(20)
    push.log_id = rng.getrandbits(64)
    push.payload_encoding, push.payload_type = "pb", "msg"
    header = push.headers.add()
    header.key, header.value = "compress_type", "gzip"
    push.payload = gzip.compress(response.SerializeToString())
    return {"frame": push.SerializeToString().hex(), "messages": told}


def main():
    files = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], "rb").read())
    rng, count = random.Random(int(sys.argv[2])), int(sys.argv[3])
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    names = [message.name for file in files.file for message in file.message_type]
    types = {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(PACKAGE + name)) for name in names
    }
    kinds = [name for name in names if name.endswith("Message") and name != "Message"]
    for _ in range(count):
        rng.shuffle(kinds)
        print(json.dumps(frame(rng, types, kinds)))


main()
