"""Machine instructions numba does not offer: unaligned loads, bit masks of 64 bytes, and additions of whole vectors.

Nothing here checks bounds: the caller proves that the bytes are there. LLVM lowers the vectors to what there is.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# Kernels allocate nothing, so numba need not count references: counting took a third of the time (two locked additions
# per array and text). What a kernel scribbles on is handed in.
bare: Any = njit(cache=True, nogil=True, _nrt=False)
inlined: Any = njit(inline="always", _nrt=False)


@intrinsic
def load64(typing: Any, data: Any, at: Any) -> Any:  # noqa: ARG001 - numba's protocol
    """Eight bytes of a uint8 array from ``at`` on, little endian, whatever the alignment."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = cgutils.gep_inbounds(builder, array.data, arguments[1])
        value = builder.load(builder.bitcast(address, ir.IntType(64).as_pointer()))
        value.align = 1
        return value

    return types.uint64(data, types.int64), generate


@intrinsic
def trailing_zeros(typing: Any, value: Any) -> Any:  # noqa: ARG001 - numba's protocol
    """Zero bits below the lowest set bit of a uint64; 64 for zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


def _splat(vector: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(vector, [value] * vector.count)


@intrinsic
def byte_masks(typing: Any, data: Any, at: Any) -> Any:  # noqa: ARG001 - numba's protocol
    """Of 64 bytes from ``at`` on, one bit each: ASCII letters, spaces, and what may continue a word (``_``, 0x80-)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        vector, word = ir.VectorType(ir.IntType(8), 64), ir.IntType(64)
        address = cgutils.gep_inbounds(builder, array.data, arguments[1])
        loaded = builder.load(builder.bitcast(address, vector.as_pointer()))
        loaded.align = 1
        folded = builder.sub(builder.or_(loaded, _splat(vector, 0x20)), _splat(vector, ord("a")))
        letters = builder.icmp_unsigned("<", folded, _splat(vector, 26))
        spaces = builder.icmp_unsigned("==", loaded, _splat(vector, 0x20))
        underscores = builder.icmp_unsigned("==", loaded, _splat(vector, ord("_")))
        high = builder.icmp_signed("<", loaded, _splat(vector, 0))
        masks = [builder.bitcast(mask, word) for mask in (letters, spaces, builder.or_(underscores, high))]
        return context.make_tuple(builder, signature.return_type, masks)

    return types.UniTuple(types.uint64, 3)(data, types.int64), generate


@intrinsic
def byte_at(typing: Any, data: Any, at: Any) -> Any:  # noqa: ARG001 - numba's protocol
    """One byte of a uint8 array as int64, without the test for negative positions that indexing makes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = cgutils.gep_inbounds(builder, array.data, arguments[1])
        return builder.zext(builder.load(address), ir.IntType(64))

    return types.int64(data, types.int64), generate


def _vector_at(context: Any, builder: Any, kind: Any, value: Any, at: Any, lanes: int) -> Any:
    """Address of ``lanes`` items of an array, from flat position ``at`` on, as one vector."""
    array = context.make_array(kind)(context, builder, value)
    address = cgutils.gep_inbounds(builder, array.data, at)
    return builder.bitcast(address, ir.VectorType(address.type.pointee, lanes).as_pointer())


def _load(builder: Any, address: Any) -> Any:
    value = builder.load(address)
    value.align = 1
    return value


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, address).align = 1


def _in_register(builder: Any, value: Any) -> Any:
    """A variable that LLVM turns into a register: a loop must not wait for memory to hand back what it just stored."""
    with builder.goto_entry_block():
        place = builder.alloca(value.type)
    builder.store(value, place)
    return place


def _adder(lanes: int) -> Any:
    """Makes ``sums[:lanes]`` the sum of ``table.flat[at : at + lanes]`` over ``ats[:count]``, widened."""

    @intrinsic
    def add(typing: Any, sums: Any, table: Any, ats: Any, count: Any) -> Any:  # noqa: ARG001 - numba's protocol
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            zero = ir.Constant(ir.IntType(64), 0)
            target = _vector_at(context, builder, signature.args[0], arguments[0], zero, lanes)
            wide = target.type.pointee
            total = _in_register(builder, ir.Constant(wide, [0] * lanes))
            places = context.make_array(signature.args[2])(context, builder, arguments[2]).data
            with cgutils.for_range(builder, arguments[3], intp=ir.IntType(64)) as loop:
                at = builder.load(cgutils.gep_inbounds(builder, places, loop.index))
                line = _load(builder, _vector_at(context, builder, signature.args[1], arguments[1], at, lanes))
                builder.store(builder.add(builder.load(total), builder.sext(line, wide)), total)
            _store(builder, builder.load(total), target)
            return context.get_dummy_value()

        return types.void(sums, table, ats, types.int64), generate

    return add


add16, add64 = _adder(16), _adder(64)


@intrinsic
def least8(typing: Any, least: Any, values: Any, count: Any, flips: Any, mixes: Any) -> Any:  # noqa: ARG001
    """Eight hashes ``(value ^ flips) * mixes`` of ``values[:count]`` (uint32), the smallest of each into ``least``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zero, first = ir.Constant(ir.IntType(64), 0), ir.Constant(ir.IntType(32), 0)
        target, flip, mix = (_vector_at(context, builder, signature.args[i], arguments[i], zero, 8) for i in (0, 3, 4))
        vector = target.type.pointee
        flip, mix = _load(builder, flip), _load(builder, mix)
        kept = _in_register(builder, ir.Constant(vector, [0xFFFFFFFF] * 8))
        places = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        with cgutils.for_range(builder, arguments[2], intp=ir.IntType(64)) as loop:
            value = builder.load(cgutils.gep_inbounds(builder, places, loop.index))
            spread = builder.insert_element(ir.Constant(vector, ir.Undefined), value, first)
            spread = builder.shuffle_vector(spread, spread, ir.Constant(vector, [0] * 8))
            hashed = builder.mul(builder.xor(spread, flip), mix)
            before = builder.load(kept)
            builder.store(builder.select(builder.icmp_unsigned("<", hashed, before), hashed, before), kept)
        _store(builder, builder.load(kept), target)
        return context.get_dummy_value()

    return types.void(least, values, types.int64, flips, mixes), generate
