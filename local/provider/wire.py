"""Property values between protobuf and JSON. Whole numbers stay whole (protobuf has doubles
only)."""

from typing import Any, cast

from google.protobuf import struct_pb2

Json = dict[str, Any]


def to_json(properties: struct_pb2.Struct) -> Json:
    """A Struct as a JSON object."""
    return {name: _value_to_json(value) for name, value in properties.fields.items()}


def _value_to_json(value: struct_pb2.Value) -> Any:
    form = value.WhichOneof("kind")
    if form == "struct_value":
        return to_json(value.struct_value)
    if form == "list_value":
        return [_value_to_json(one) for one in value.list_value.values]
    if form == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if form == "string_value":
        return value.string_value
    return value.bool_value if form == "bool_value" else None


def to_struct(properties: Json) -> struct_pb2.Struct:
    """A JSON object as a Struct."""
    struct = struct_pb2.Struct()
    for name, value in properties.items():
        _fill(struct.fields[name], value)
    return struct


def _fill(target: struct_pb2.Value, value: Any) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.struct_value.CopyFrom(to_struct(cast("Json", value)))
    else:
        target.list_value.SetInParent()
        for one in cast("list[Any]", value):
            _fill(target.list_value.values.add(), one)
