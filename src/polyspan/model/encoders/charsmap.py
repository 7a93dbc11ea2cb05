"""A character map as the `Precompiled` normaliser of `tokenizers`, the form in which SentencePiece keeps it.

The format is SentencePiece's: the byte length of a double-array trie (u32), the trie itself (u32 units, as the
Darts-clone library lays them out), then the replacement strings, each ended by a zero byte. The trie maps the
UTF-8 bytes of a character to the position of its replacement.
"""

import struct

from tokenizers import normalizers

_Node = dict[int, "_Node"]  # byte → child; the key _END holds {value: {}}
_END = 0


def precompiled(mapping: dict[str, str]) -> normalizers.Precompiled:
    """A normaliser that replaces each key of `mapping` (non-empty strings) by its value."""
    strings = bytearray(b"\0")
    tree: _Node = {}
    for source in sorted(mapping):
        if "\0" in source:
            continue
        position = len(strings) if mapping[source] else 0
        if mapping[source]:
            strings += mapping[source].encode("utf-8") + b"\0"
        node: _Node = tree
        for byte in source.encode("utf-8"):
            node = node.setdefault(byte, {})
        node[_END] = {position: {}}
    units = _double_array(tree)
    trie = struct.pack(f"<{len(units)}I", *units)
    return normalizers.Precompiled(struct.pack("<I", len(trie)) + trie + bytes(strings))


def _double_array(tree: _Node) -> list[int]:
    """Lay the trie out so that the child of a node with base B for byte b stands at B ^ b.

    A unit holds its byte (bits 0–7), whether a key ends here (bit 8) and the distance to its base (bits 10 up);
    an ended key's value stands at the base itself, with bit 31 set. A node with children gets 256 units of its
    own, a mere end of a key a single unit: larger than a packed trie and free of any search for room.
    """
    inner: list[tuple[int, int, _Node]] = [(0, 0, tree)]
    ends: list[tuple[int, int, _Node]] = []
    units = [0] * 512

    def write(at: int, byte: int, node: _Node, base: int) -> None:
        distance = at ^ base
        assert distance < 1 << 21, "the map is too large for one trie"
        units[at] = distance << 10 | (_END in node) << 8 | byte
        if _END in node:
            units[base] = next(iter(node[_END])) | 1 << 31

    for at, byte, node in inner:
        base = len(units) - 256
        units.extend([0] * 256)
        write(at, byte, node, base)
        for key, child in node.items():
            if key != _END:
                (inner if child.keys() - {_END} else ends).append((base ^ key, key, child))
    for base, (at, byte, node) in enumerate(ends, start=len(units) - 256):
        units.append(0)
        write(at, byte, node, base)
    return units
