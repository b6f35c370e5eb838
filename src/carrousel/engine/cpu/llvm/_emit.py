"""A small writer of LLVM IR: functions, loops, vectors."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from carrousel.engine.cpu.llvm._target import Target

__all__ = ["Function", "Module"]


class Module:
    """A module of IR for numbers of one kind on one target.

    Attributes:
        kind: ``"float"`` or ``"double"``.
        lanes: the numbers in a vector, whose type is ``vector``.
    """

    def __init__(self, kind: str, target: Target) -> None:
        self.kind, self.target = kind, target
        self.lanes = target.lanes(kind)
        self.vector = f"<{self.lanes} x {kind}>"
        self.bits = 32 if kind == "float" else 64
        self.integers = f"<{self.lanes} x i{self.bits}>"
        self.mask = f"<{self.lanes} x i1>"
        self.bytes = self.bits // 8
        self._functions: list[Function] = []
        self._declared: dict[str, str] = {}

    def function(self, name: str, parameters: Sequence[tuple[str, str]], *, public: bool = False) -> Function:
        """Makes a new function without a result; parameters as pairs of type and name."""
        function = Function(self, name, parameters, public)
        self._functions.append(function)
        return function

    def declare(self, name: str, signature: str) -> str:
        """Declares an intrinsic, ``signature`` such as ``"float (float, float)"``; returns its name."""
        result, _, arguments = signature.partition(" (")
        self._declared[name] = f"declare {result} @{name}({arguments}"
        return name

    def text(self) -> str:
        """Returns the whole module."""
        return "\n\n".join([*sorted(self._declared.values()), *(f.text() for f in self._functions)]) + "\n"

    def number(self, value: float) -> str:
        """Returns a constant of this module's kind, exactly."""
        if self.kind == "float":
            value = struct.unpack("f", struct.pack("f", value))[0]
        return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"

    def splat(self, value: float) -> str:
        """Returns a constant vector."""
        return "<" + ", ".join([f"{self.kind} {self.number(value)}"] * self.lanes) + ">"

    def splat_int(self, value: int) -> str:
        """Returns a constant vector of integers as wide as the numbers."""
        return "<" + ", ".join([f"i{self.bits} {value}"] * self.lanes) + ">"


class Function:
    """A function being written. Its methods append instructions and return the names of their results."""

    def __init__(self, module: Module, name: str, parameters: Sequence[tuple[str, str]], public: bool) -> None:
        self.module, self.name = module, name
        linkage = "" if public else "internal "
        arguments = ", ".join(f"{kind} %{label}" for kind, label in parameters)
        self._head = f"define {linkage}void @{name}({arguments}) nounwind {{"
        self._allocas: list[str] = []
        self._lines: list[str] = []
        self._count = 0

    def text(self) -> str:
        return "\n".join([self._head, "entry:", *self._allocas, *self._lines, "  ret void", "}"])

    # Instructions

    def _new(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def line(self, text: str) -> None:
        self._lines.append("  " + text)

    def op(self, text: str) -> str:
        """Emits an instruction and returns the name of its result."""
        name = self._new()
        self.line(f"{name} = {text}")
        return name

    def variable(self, kind: str, value: str) -> str:
        """Makes a mutable variable, which LLVM will keep in a register."""
        name = self._new()
        self._allocas.append(f"  {name} = alloca {kind}")
        self.put(kind, name, value)
        return name

    def array(self, count: int) -> str:
        """Room for numbers on the stack, aligned for vectors."""
        name = self._new()
        self._allocas.append(f"  {name} = alloca [{count} x {self.module.kind}], align 64")
        return name

    def get(self, kind: str, variable: str) -> str:
        return self.op(f"load {kind}, ptr {variable}")

    def put(self, kind: str, variable: str, value: str) -> None:
        self.line(f"store {kind} {value}, ptr {variable}")

    # Integers and addresses

    def add(self, a: str, b: str | int) -> str:
        return self.op(f"add i64 {a}, {b}")

    def sub(self, a: str, b: str | int) -> str:
        return self.op(f"sub i64 {a}, {b}")

    def mul(self, a: str, b: str | int) -> str:
        return self.op(f"mul i64 {a}, {b}")

    def quotient(self, a: str, b: str | int) -> str:
        return self.op(f"sdiv i64 {a}, {b}")

    def least(self, a: str, b: str | int) -> str:
        return self.op(f"select i1 {self.op(f'icmp slt i64 {a}, {b}')}, i64 {a}, i64 {b}")

    def most(self, a: str, b: str | int) -> str:
        return self.op(f"select i1 {self.op(f'icmp sgt i64 {a}, {b}')}, i64 {a}, i64 {b}")

    def select(self, condition: str, kind: str, a: str, b: str) -> str:
        return self.op(f"select i1 {condition}, {kind} {a}, {kind} {b}")

    def at(self, pointer: str, index: str | int) -> str:
        """Returns the address of an array's element."""
        return self.op(f"getelementptr {self.module.kind}, ptr {pointer}, i64 {index}")

    # Control

    def label(self, name: str) -> None:
        self._lines.append(f"{name}:")

    def labels(self, *names: str) -> list[str]:
        """Makes new labels of these names."""
        self._count += 1
        return [f"{name}{self._count}" for name in names]

    @contextmanager
    def loop(self, start: str | int, stop: str | int, step: str | int = 1) -> Iterator[str]:
        """Emits a loop over ``range(start, stop, step)``, whose body is the ``with`` block."""
        head, body, end = self.labels("loop", "body", "end")
        counter = self.variable("i64", str(start))
        self.line(f"br label %{head}")
        self.label(head)
        i = self.get("i64", counter)
        self.line(f"br i1 {self.op(f'icmp slt i64 {i}, {stop}')}, label %{body}, label %{end}")
        self.label(body)
        yield i
        self.put("i64", counter, self.add(i, step))
        self.line(f"br label %{head}")
        self.label(end)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Emits a block that runs if the condition holds."""
        body, end = self.labels("then", "done")
        self.line(f"br i1 {condition}, label %{body}, label %{end}")
        self.label(body)
        yield
        self.line(f"br label %{end}")
        self.label(end)

    def cases(self, value: str, numbers: Sequence[int]) -> Iterator[int]:
        """Emits a block for every number that the value may be: what a loop over this generator emits."""
        *labels, end = self.labels(*[f"case{number}_" for number in numbers], "end")
        table = " ".join(f"i64 {number}, label %{label}" for number, label in zip(numbers, labels, strict=True))
        self.line(f"switch i64 {value}, label %{end} [ {table} ]")
        for number, label in zip(numbers, labels, strict=True):
            self.label(label)
            yield number
            self.line(f"br label %{end}")
        self.label(end)

    # Vectors

    def load(self, pointer: str) -> str:
        m = self.module
        return self.op(f"load {m.vector}, ptr {pointer}, align {m.bytes}")

    def store(self, value: str, pointer: str) -> None:
        m = self.module
        self.line(f"store {m.vector} {value}, ptr {pointer}, align {m.bytes}")

    def load_lanes(self, pointer: str, mask: str) -> str:
        """Loads as :meth:`load`, the lanes of the mask only; zeros in others."""
        m = self.module
        name = m.declare(f"llvm.masked.load.v{m.lanes}f{m.bits}.p0", f"{m.vector} (ptr, {m.mask}, {m.vector})")
        arguments = f"ptr align {m.bytes} {pointer}, {m.mask} {mask}, {m.vector} zeroinitializer"
        return self.op(f"call {m.vector} @{name}({arguments})")

    def store_lanes(self, value: str, pointer: str, mask: str) -> None:
        """Stores as :meth:`store`, the lanes of the mask only."""
        m = self.module
        name = m.declare(f"llvm.masked.store.v{m.lanes}f{m.bits}.p0", f"void ({m.vector}, ptr, {m.mask})")
        self.line(f"call void @{name}({m.vector} {value}, ptr align {m.bytes} {pointer}, {m.mask} {mask})")

    def load_number(self, pointer: str) -> str:
        return self.op(f"load {self.module.kind}, ptr {pointer}")

    def prefetch(self, pointer: str, *, write: bool = False) -> None:
        """Asks for the line of an address, which may be any, to be brought into the first cache."""
        name = self.module.declare("llvm.prefetch.p0", "void (ptr, i32, i32, i32)")
        self.line(f"call void @{name}(ptr {pointer}, i32 {int(write)}, i32 3, i32 1)")

    def spread(self, number: str, kind: str | None = None) -> str:
        """Returns a vector whose lanes are all the number."""
        m = self.module
        kind = kind or m.kind
        vector = f"<{m.lanes} x {kind}>"
        first = self.op(f"insertelement {vector} poison, {kind} {number}, i32 0")
        return self.op(f"shufflevector {vector} {first}, {vector} poison, <{m.lanes} x i32> zeroinitializer")

    def intrinsic(self, name: str, *arguments: str) -> str:
        """Returns a floating-point intrinsic on vectors, such as ``fma``."""
        m = self.module
        full = f"llvm.{name}.v{m.lanes}f{m.bits}"
        m.declare(full, f"{m.vector} ({', '.join([m.vector] * len(arguments))})")
        return self.op(f"call {m.vector} @{full}({', '.join(f'{m.vector} {a}' for a in arguments)})")

    def fma(self, a: str, b: str, c: str) -> str:
        return self.intrinsic("fma", a, b, c)

    def arithmetic(self, name: str, a: str, b: str) -> str:
        """``fadd``, ``fsub``, ``fmul`` or ``fdiv`` on vectors."""
        return self.op(f"{name} {self.module.vector} {a}, {b}")

    def compare(self, predicate: str, a: str, b: str) -> str:
        """Returns a mask; the predicate such as ``olt``."""
        return self.op(f"fcmp {predicate} {self.module.vector} {a}, {b}")

    def choose(self, mask: str, a: str, b: str) -> str:
        m = self.module
        return self.op(f"select {m.mask} {mask}, {m.vector} {a}, {m.vector} {b}")

    def first_lanes(self, count: str) -> str:
        """Returns a mask of the lanes below ``count`` (an i64, which may exceed the lanes or be negative)."""
        m = self.module
        lanes = "<" + ", ".join(f"i64 {lane}" for lane in range(m.lanes)) + ">"
        kind = f"<{m.lanes} x i64>"
        return self.op(f"icmp slt {kind} {lanes}, {self.spread(count, 'i64')}")
