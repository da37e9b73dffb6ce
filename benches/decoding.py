"""From packed frames to JSON with two packages of Python. Arguments: job, seconds, descriptors of the schema, frames with their lengths in front."""

import gzip
import json
import struct
import sys
import time
from dataclasses import dataclass
from typing import Dict, List

PACKAGE = "pagewire.douyin"


def google_types(descriptors):
    from google.protobuf import descriptor_pool, message_factory
    from google.protobuf.internal import api_implementation

    assert api_implementation.Type() == "upb", api_implementation.Type()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptors.file:
        pool.Add(file)
    names = [message.name for file in descriptors.file for message in file.message_type]
    find = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
    return {name: find(name) for name in names}


def betterproto_types(descriptors):
    """What its compiler writes from the same schema, without the packages that it needs besides."""
    import betterproto

    lines, scalars = [], {"bool": "bool", "string": "str", "bytes": "bytes", "float": "float", "double": "float"}

    def kind(field):
        return type(field).Type.Name(field.type).removeprefix("TYPE_").lower()

    def hint(field):
        if kind(field) == "message":
            return repr(field.type_name.rpartition(".")[2])
        return scalars.get(kind(field), "int")

    for message in (message for file in descriptors.file for message in file.message_type):
        entries = {f".{PACKAGE}.{message.name}.{inner.name}": inner.field for inner in message.nested_type}
        lines += ["@dataclass", f"class {message.name}(betterproto.Message):"]
        for field in message.field:
            entry = entries.get(field.type_name)
            if entry:
                key, value = entry
                types = f"betterproto.TYPE_{kind(key).upper()}, betterproto.TYPE_{kind(value).upper()}"
                lines.append(f"    {field.name}: Dict[{hint(key)}, {hint(value)}] = betterproto.map_field({field.number}, {types})")
                continue
            of = f"List[{hint(field)}]" if field.label == field.LABEL_REPEATED else hint(field)
            lines.append(f"    {field.name}: {of} = betterproto.{kind(field)}_field({field.number})")
        lines.append("    pass")
    # Annotations are looked up in the module that a class says it is of.
    here = globals()
    here.update(betterproto=betterproto)
    exec("\n".join(lines), here)
    return {message.name: here[message.name] for file in descriptors.file for message in file.message_type}


def jobs(job, descriptors):
    """How bytes become a message of a type, and how that becomes JSON."""
    if job == "betterproto":
        return betterproto_types(descriptors), lambda kind, data: kind().parse(data), lambda message: message.to_json()
    from google.protobuf.json_format import MessageToJson

    to_json = {"protobuf": lambda message: None, "protobuf-json": lambda message: MessageToJson(message, indent=None)}[job]
    return google_types(descriptors), lambda kind, data: kind.FromString(data), to_json


def read(path):
    with open(path, "rb") as file:
        while length := file.read(4):
            yield file.read(struct.unpack("<I", length)[0])


def main(job, seconds, schema, frames):
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    with open(schema, "rb") as file:
        descriptors = FileDescriptorSet.FromString(file.read())
    types, decode, to_json = jobs(job, descriptors)
    by_method = {f"Webcast{name}": kind for name, kind in types.items() if name.endswith("Message")}
    frames, count, messages = list(read(frames)), 0, 0
    begun = time.process_time()
    while (took := time.process_time() - begun) < float(seconds):
        push = decode(types["PushFrame"], frames[count % len(frames)])
        response = decode(types["Response"], gzip.decompress(push.payload))
        for message in response.messages:
            if kind := by_method.get(message.method):
                to_json(decode(kind, message.payload))
                messages += 1
        count += 1
    print(json.dumps({"frames": count, "messages": messages, "seconds": took}))


main(*sys.argv[1:])
