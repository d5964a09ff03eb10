"""The linter finds what it bans, and leaves alone what only looks like it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

from lintrules import binary, documentation, imports, lexer, sizes, tools, words  # noqa: E402
from lintrules.project import Project  # noqa: E402


def findings(tmp_path, rule, path, text):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return [(finding.line, finding.text) for finding in rule(Project(tmp_path))]


@pytest.mark.parametrize("target, line, named", [
    ("Rootfs", "import Glibc", "Glibc"),
    ("Rootfs", "import CLinux", "CLinux"),
    ("Rootfs", "import Cgroups", "Cgroups"),
    ("Engine", "package import Foundation", "Foundation"),
    ("JSONCoding", "import LinuxSystem", "LinuxSystem"),
    ("LinuxSystem", "import struct RuntimeSpec.MountSpec", "RuntimeSpec"),
    ("Security", "@preconcurrency import Dispatch", "Dispatch"),
    ("skiff", "internal import ArgumentParser", "ArgumentParser"),
    ("Unheard", "import Swift", "not in the table"),
])
def test_forbidden_imports_are_found(tmp_path, target, line, named):
    found = findings(tmp_path, imports.check, f"Sources/{target}/A.swift", f"// first\n{line}\n")
    assert len(found) == 1 and named in found[0][1]


@pytest.mark.parametrize("target, text", [
    ("Rootfs", "import LinuxSystem\npackage import RuntimeSpec\n"),
    ("LinuxSystem", "package import CLinux\nimport Glibc\n"),
    ("Engine", '// import Foundation\nlet s = "\\nimport Foundation"\nlet t = """\n    import Foundation\n    """\n'),
    ("skiff-image", "import Foundation\nimport ArgumentParser\n"),
])
def test_allowed_imports_are_left_alone(tmp_path, target, text):
    assert findings(tmp_path, imports.check, f"Sources/{target}/A.swift", text) == []


def test_package_manifest_may_not_declare_a_forbidden_arrow(tmp_path):
    found = findings(tmp_path, imports.check, "Package.swift", 'layer(\n    "Rootfs", ["LinuxSystem", "Cgroups"]),\n')
    assert len(found) == 1 and "Cgroups" in found[0][1]


@pytest.mark.parametrize("target, code", [
    ("Rootfs", "let a = try? b()"),
    ("Rootfs", "let a = try! b()"),
    ("Rootfs", 'fatalError("x")'),
    ("Rootfs", "let a = b as! C"),
    ("Rootfs", "final class A: @unchecked Sendable {}"),
    ("Rootfs", 'print("x")'),
    ("Rootfs", "func a() async {}"),
    ("Rootfs", "Task { }"),
    ("Rootfs", "struct A: Codable {}"),
    ("Rootfs", "let a = unsafe b()"),
    ("Rootfs", "let a: UnsafeRawPointer"),
    ("ImageTransfer", "let a = unsafe b()"),
    ("Rootfs", 'let a = "\\(try! b())"'),
    ("Rootfs", "// TO" + "DO: later"),
])
def test_banned_words_are_found(tmp_path, target, code):
    found = findings(tmp_path, words.check, f"Sources/{target}/A.swift", f"\n{code}\n")
    assert [line for line, _ in found] == [2]
    assert "(" in found[0][1]


@pytest.mark.parametrize("target, code", [
    ("Rootfs", "// never try! or fatalError"),
    ("Rootfs", 'let a = "try! and unsafe and print("'),
    ("Rootfs", 'let a = #"print("x")"#'),
    ("Rootfs", "/* outer /* fatalError */ try! */ let a = 1"),
    ("Rootfs", "out.print(1)"),
    ("Rootfs", "let a = try b() as? C"),
    ("ImageTransfer", "func a() async { print(1) }"),
    ("LinuxSystem", "let a = unsafe b()"),
])
def test_what_only_looks_banned_is_left_alone(tmp_path, target, code):
    assert findings(tmp_path, words.check, f"Sources/{target}/A.swift", f"{code}\n") == []


def test_shared_state_is_for_the_timeline_only(tmp_path):
    code = "    nonisolated(unsafe) private static var a = 1\n"
    assert findings(tmp_path, words.check, "Sources/LinuxSystem/Trace.swift", code) == []
    assert findings(tmp_path, words.check, "Sources/LinuxSystem/Open.swift", code)


def test_unsafe_needs_a_safety_comment(tmp_path):
    bare = "func a() {\n    let b = unsafe c()\n}\n"
    assert [line for line, _ in findings(tmp_path, words.safety_comments, "Sources/LinuxSystem/A.swift", bare)] == [2]
    said = "func a() {\n    // SAFETY: the kernel copies it.\n    let b = unsafe c()\n    unsafe d(b)\n}\n"
    assert findings(tmp_path, words.safety_comments, "Sources/LinuxSystem/A.swift", said) == []


@pytest.mark.parametrize("declaration", [
    "package func a()", "package struct A {", "    package let a: Int", "package static func a()", "package enum A {",
    "    package init(a: Int) {", "package mutating func a()", "public protocol A {", "package private(set) var a = 1",
])
def test_package_declarations_need_a_doc_comment(tmp_path, declaration):
    path = "Sources/Rootfs/A.swift"
    assert [n for n, _ in findings(tmp_path, documentation.check, path, f"// not one\n{declaration}\n")] == [2]
    assert findings(tmp_path, documentation.check, path, f"/// One.\n@inlinable\n{declaration}\n") == []


def test_witnesses_and_kernel_constants_need_none(tmp_path):
    text = "package var description: String {\n}\npackage static let ENOENT = 2\npackage import RuntimeSpec\n"
    assert findings(tmp_path, documentation.check, "Sources/Rootfs/A.swift", text) == []


def test_dead_links_are_found(tmp_path):
    text = "[a](b.md#part) [c](https://example.org) [d](#here) `[e](f.md)`\n[g](missing.md)\n"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/b.md").write_text("b\n")
    assert [line for line, _ in findings(tmp_path, documentation.links, "docs/a.md", text)] == [2]


def function(body_lines, head="    package func long(a: Int = { 1 }()) throws(E) -> [Int] {", mark=""):
    return f"struct A {{\n{mark}{head}\n" + '        let s = "}"\n' * body_lines + "    }\n}\n"


def test_long_functions_are_found_and_short_ones_not(tmp_path):
    path = "Sources/Rootfs/A.swift"
    assert findings(tmp_path, sizes.function_length, path, function(58)) == []
    found = findings(tmp_path, sizes.function_length, path, function(59))
    assert found[0][0] == 2 and "long has 61 lines" in found[0][1]
    assert findings(tmp_path, sizes.function_length, path, function(90, mark="    // lint:table flags\n")) == []
    assert findings(tmp_path, sizes.function_length, path, function(90, mark="    // lint:table\n")) != []
    assert findings(tmp_path, sizes.function_length, path, function(70, head="    init(a: Int) {")) != []


def test_requirements_of_a_protocol_have_no_length(tmp_path):
    text = "protocol A {\n    func a()\n    init(b: Int)\n}\nstruct B {\n" + "    let c = 1\n" * 90 + "}\n"
    assert findings(tmp_path, sizes.function_length, "Sources/Rootfs/A.swift", text) == []


@pytest.mark.parametrize("path, head, line", [
    ("CShims/CLinux/a.c", "static int\nlong_one(int a)\n{", "    a++;"),
    ("Tests/Integration/a.py", "def long_one(a):", "    a += 1"),
])
def test_long_functions_are_found_in_c_and_python(tmp_path, path, head, line):
    end = "}\n" if path.endswith(".c") else ""
    found = findings(tmp_path, sizes.function_length, path, head + "\n" + f"{line}\n" * 61 + end)
    assert len(found) == 1 and "long_one" in found[0][1]
    assert findings(tmp_path, sizes.function_length, path, head + "\n" + f"{line}\n" * 50 + end) == []


def test_long_files_are_found(tmp_path):
    path = "Sources/Rootfs/A.swift"
    assert findings(tmp_path, sizes.file_length, path, "let a = 1\n" * 400) == []
    assert len(findings(tmp_path, sizes.file_length, path, "let a = 1\n" * 401)) == 1
    assert findings(tmp_path, sizes.file_length, path, "// lint:table of calls\n" * 401) == []


@pytest.mark.parametrize("text", ["let a = 1 \n", "\tlet a = 1\n", "let a = 1"])
def test_stray_whitespace_is_found(tmp_path, text):
    assert len(findings(tmp_path, words.whitespace, "Sources/Rootfs/A.swift", text)) == 1


def test_python_and_shell_scripts_are_checked(tmp_path):
    assert len(findings(tmp_path, tools.python_compiles, "scripts/a", "#!/usr/bin/env python3\ndef (:\n")) == 1
    found = findings(tmp_path, tools.shellcheck, "scripts/b", "#!/bin/sh\ncd $1\n")
    assert found and found[0][0] == 2


def test_dynamic_and_static_programs_are_told_apart(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("int main(void) { return 0; }\n")
    for flags, expected in (["-static"], False), ([], True):
        subprocess.run(["cc", *flags, "-o", tmp_path / "a", source], check=True)
        assert binary.has_interpreter(tmp_path / "a") is expected


def test_a_dynamic_release_binary_is_found(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("int main(void) { return 0; }\n")
    program = tmp_path / binary.PROGRAM
    program.parent.mkdir(parents=True)
    subprocess.run(["cc", "-o", program, source], check=True)
    assert ["dynamically" in f.text for f in binary.check(Project(tmp_path))] == [True]


def test_blanking_keeps_lines_and_columns():
    text = 'let a = """\n  try! \\(f("x")) \n  """ // try!\nlet b = 1\n'
    blanked = lexer.blank(text, swift=True)
    assert [len(line) for line in blanked.split("\n")] == [len(line) for line in text.split("\n")]
    assert "try!" not in blanked and "f(" in blanked and blanked.endswith("let b = 1\n")


def test_the_command_reports_findings_and_its_exit_status(tmp_path):
    (tmp_path / "Sources/Rootfs").mkdir(parents=True)
    (tmp_path / "Sources/Rootfs/A.swift").write_text("import Glibc\n")
    command = [PROJECT / "scripts/lint", "--root", tmp_path, "--only", "imports"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 1
    assert done.stdout.startswith("Sources/Rootfs/A.swift:1: imports: Rootfs may not import Glibc (")
    (tmp_path / "Sources/Rootfs/A.swift").write_text("import RuntimeSpec\n")
    assert subprocess.run(command, capture_output=True).returncode == 0
