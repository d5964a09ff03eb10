internal import CLinux

// Attributes go to bpf(2) in a zeroed buffer of 256 bytes of which 128 are declared: a newer kernel may look at fields
// behind those that we set, and an older one insists that they are zero.

/// BPF_PROG_TYPE_CGROUP_DEVICE.
private let programType: UInt64 = 15
/// BPF_CGROUP_DEVICE.
private let attachType: UInt64 = 6

private func bpf(_ command: Int32, _ words: [UInt64]) -> (result: Int, words: [UInt64]) {
    var buffer = words + [UInt64](repeating: 0, count: 32 - words.count)
    // SAFETY: the kernel reads and writes at most the declared 128 bytes of the buffer's 256.
    let result = unsafe buffer.withUnsafeMutableBytes { unsafe cl_bpf(command, $0.baseAddress, 128) }
    return (result, buffer)
}

/// Two 32-bit fields that share a word.
private func pair(_ low: UInt64, _ high: UInt64) -> UInt64 { low | high << 32 }

private func field(_ fd: BorrowedFD) -> UInt64 { UInt64(UInt32(bitPattern: fd.rawValue)) }

/// Loads a program of 8-byte instructions that decides about the devices of a cgroup.
/// - SeeAlso: bpf(2) BPF_PROG_LOAD
package func loadDeviceProgram(_ instructions: [UInt64]) throws(SyscallError) -> OwnedFD {
    let license: [UInt8] = [UInt8]("none".utf8) + [0]
    // SAFETY: program and license live while the kernel copies them during the call.
    let result = unsafe instructions.withUnsafeBytes { program in
        unsafe license.withUnsafeBytes { license in
            bpf(
                5,
                [
                    pair(programType, UInt64(instructions.count)),
                    UInt64(UInt(bitPattern: program.baseAddress)),
                    UInt64(UInt(bitPattern: license.baseAddress)), 0, 0, 0, 0, 0, pair(0, attachType),
                ]
            ).result
        }
    }
    let fd = try check(.bpf, on: "BPF_PROG_LOAD of \(instructions.count) instructions", result)
    return OwnedFD(adopting: Int32(fd))
}

/// Puts a device program on a cgroup v2 directory, beside those of the cgroups above; in place of `replacing` in one
/// step, if given.
/// - SeeAlso: bpf(2) BPF_PROG_ATTACH, BPF_F_ALLOW_MULTI, BPF_F_REPLACE
package func attachDeviceProgram(
    _ program: BorrowedFD, to cgroup: BorrowedFD, replacing: BorrowedFD?
) throws(SyscallError) {
    let flags: UInt64 = replacing == nil ? 2 : 2 | 4
    let words = [
        pair(field(cgroup), field(program)), pair(attachType, flags), replacing.map(field) ?? 0,
    ]
    try check(.bpf, on: "BPF_PROG_ATTACH", bpf(8, words).result)
}

/// Takes a device program off a cgroup v2 directory.
/// - SeeAlso: bpf(2) BPF_PROG_DETACH
package func detachDeviceProgram(_ program: BorrowedFD, from cgroup: BorrowedFD) throws(SyscallError) {
    try check(.bpf, on: "BPF_PROG_DETACH", bpf(9, [pair(field(cgroup), field(program)), attachType]).result)
}

/// The ids of the device programs that are on a cgroup v2 directory itself, at most 64.
/// - SeeAlso: bpf(2) BPF_PROG_QUERY
package func attachedDevicePrograms(of cgroup: BorrowedFD) throws(SyscallError) -> [UInt32] {
    var ids = [UInt32](repeating: 0, count: 64)
    // SAFETY: the kernel writes at most as many ids as the buffer holds.
    let (result, words) = unsafe ids.withUnsafeMutableBytes { buffer in
        bpf(16, [pair(field(cgroup), attachType), 0, UInt64(UInt(bitPattern: buffer.baseAddress)), 64])
    }
    try check(.bpf, on: "BPF_PROG_QUERY", result)
    return Array(ids.prefix(Int(words[3] & 0xFFFF_FFFF)))
}

/// Opens a loaded program by its id.
/// - SeeAlso: bpf(2) BPF_PROG_GET_FD_BY_ID
package func openDeviceProgram(id: UInt32) throws(SyscallError) -> OwnedFD {
    let fd = try check(.bpf, on: "BPF_PROG_GET_FD_BY_ID \(id)", bpf(13, [UInt64(id)]).result)
    return OwnedFD(adopting: Int32(fd))
}
