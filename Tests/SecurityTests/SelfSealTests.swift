import CapabilityBinding
import LinuxSystem
import RuntimeSpec
import Testing

@testable import Security

@Suite struct `Sealing the runtime's own file` {
    private typealias Facts = SelfSeal.Facts

    private func facts(_ change: (inout SelfSeal.Facts) -> Void) -> SelfSeal.Facts {
        var facts = Facts()
        change(&facts)
        return facts
    }
    private let withoutImmutable = CapabilitySet.all.subtracting(CapabilitySet(.linuxImmutable))

    @Test func `is not needed where nobody can write the file`() {
        for harmless in [
            facts { $0.isSealed = true }, facts { $0.hasVerity = true },
            facts { $0.isOnReadOnlyImage = true },
        ] {
            #expect(SelfSeal.decide(harmless, bounding: .all, mappedUserIDs: nil) == .nothing)
        }
    }

    @Test func `trusts the immutable attribute only without CAP_LINUX_IMMUTABLE`() {
        let immutable = facts { $0.isImmutable = true }
        #expect(SelfSeal.decide(immutable, bounding: withoutImmutable, mappedUserIDs: nil) == .nothing)
        #expect(SelfSeal.decide(immutable, bounding: .all, mappedUserIDs: nil) == .overlay)
    }

    @Test func `is not needed when the owner does not exist in the container (I-7)`() {
        let mapped = [IDMappingSpec(containerID: 0, hostID: 100_000, size: 65536)]
        let owner = { (id: UInt32) in facts { $0.ownerID = id } }
        func decide(_ facts: SelfSeal.Facts) -> SelfSeal.Decision {
            SelfSeal.decide(facts, bounding: .all, mappedUserIDs: mapped)
        }
        #expect(decide(owner(0)) == .nothing)
        #expect(decide(owner(99_999)) == .nothing)
        #expect(decide(owner(100_000)) == .overlay)
        #expect(decide(owner(165_535)) == .overlay)
        #expect(decide(owner(165_536)) == .nothing)
        #expect(decide(facts { $0.isWidelyWritable = true }) == .overlay)
        #expect(
            SelfSeal.decide(
                owner(0), bounding: .all, mappedUserIDs: [IDMappingSpec(containerID: 0, hostID: 0, size: 1)])
                == .overlay)
    }

    @Test func `takes the copy where no mount can be made`() {
        let facts = facts { $0.canMount = false }
        #expect(SelfSeal.decide(facts, bounding: withoutImmutable, mappedUserIDs: nil) == .memoryCopy)
    }

    @Test func `makes an overlay that runs but refuses writing (I-7)`() throws {
        let program = try readLink("/proc/self/exe")
        let name = try #require(program.lastComponent)
        let tree = try SelfSeal.overlay(of: program.parent)
        let copy = try open(name, .readOnly, in: tree.borrowed)
        let original = try open("/proc/self/exe", .readOnly)
        #expect(try copy.borrowed.status().size == original.borrowed.status().size)
        for flags: OpenFlags in [.writeOnly, .readWrite, [.readOnly, .truncate], [.writeOnly, .create]] {
            #expect(
                errno { () throws(SyscallError) in _ = try open(name, flags, in: tree.borrowed) } == .EROFS)
        }
        #expect(errno { () throws(SyscallError) in try unlink(name, in: tree.borrowed) } == .EROFS)
        #expect(
            errno { () throws(SyscallError) in
                try setMountAttributes(tree.borrowed, clear: .readOnly)
                _ = try open(name, .writeOnly, in: tree.borrowed)
            } == .EROFS, "also after the mount was made writable: the file system itself is not")
    }

    @Test func `makes a copy in memory that refuses writing (I-7)`() throws {
        let copy = try SelfSeal.sealedCopy()
        let original = try open("/proc/self/exe", .readOnly)
        #expect(copy.borrowed.isSealed())
        #expect(try copy.borrowed.status().size == original.borrowed.status().size)
        let size = try original.borrowed.status().size
        #expect(errno { () throws(SyscallError) in try copy.borrowed.writeAll([0]) } == .EPERM)
        #expect(errno { () throws(SyscallError) in try copy.borrowed.truncate(to: 0) } == .EPERM)
        #expect(errno { () throws(SyscallError) in try copy.borrowed.truncate(to: size + 1) } == .EPERM)
    }

    @Test func `finds the test program not sealed`() throws {
        let facts = try SelfSeal.Facts.current()
        #expect(!facts.isSealed && !facts.hasVerity && !facts.isImmutable)
        #expect(facts.canMount == (effectiveUserID() == 0))
    }

    private func errno(_ body: () throws(SyscallError) -> Void) -> Errno? {
        do throws(SyscallError) {
            try body()
            return nil
        } catch {
            return error.errno
        }
    }
}
