import LinuxSystem
import Rootfs
import Testing

@Suite struct MountOptionsTests {
    @Test(
        "MNT-7, MNT-8, MNT-13: an option sets or clears its flag",
        arguments: [
            ("ro", MountAttributes.readOnly, MountAttributes([])), ("rw", [], .readOnly),
            ("nosuid", .noSetUserID, []), ("suid", [], .noSetUserID), ("nodev", .noDevices, []),
            ("dev", [], .noDevices), ("noexec", .noExecution, []), ("exec", [], .noExecution),
            ("nodiratime", .noDirectoryAccessTime, []), ("diratime", [], .noDirectoryAccessTime),
            ("nosymfollow", .noSymlinkFollow, []), ("symfollow", [], .noSymlinkFollow),
            ("noatime", .noAccessTime, .accessTimeMask), ("atime", [], .accessTimeMask),
            ("relatime", [], .accessTimeMask), ("norelatime", [], .accessTimeMask),
            ("strictatime", .strictAccessTime, .accessTimeMask), ("nostrictatime", [], .accessTimeMask),
        ] as [(String, MountAttributes, MountAttributes)])
    func flags(option: String, set: MountAttributes, clear: MountAttributes) {
        let plain = MountOptions([option])
        #expect(plain.flags == MountFlagChange(set: set, clear: clear))
        #expect(plain.recursiveFlags.isEmpty)
        #expect(plain.parameters.isEmpty)
        // MNT-14, MNT-15: the same with an r acts on submounts.
        let recursive = MountOptions(["r" + option])
        #expect(recursive.recursiveFlags == MountFlagChange(set: set, clear: clear))
        #expect(recursive.flags.isEmpty)
        #expect(recursive.parameters.isEmpty)
    }

    @Test func `MNT-16: the last of two conflicting options wins`() {
        #expect(MountOptions(["ro", "rw"]).flags == MountFlagChange(clear: .readOnly))
        #expect(MountOptions(["rw", "ro"]).flags == MountFlagChange(set: .readOnly))
        #expect(
            MountOptions(["noatime", "strictatime"]).flags
                == MountFlagChange(set: .strictAccessTime, clear: .accessTimeMask))
        #expect(MountOptions(["strictatime", "relatime"]).flags == MountFlagChange(clear: .accessTimeMask))
        #expect(MountOptions(["sync", "async"]).superblockFlags == [])
        #expect(MountOptions(["size=1k", "size=2k"]).parameters == [MountParameter("size", "2k")])
    }

    @Test func `MNT-8, MNT-10: options of the file system instance keep their names`() {
        #expect(
            MountOptions(["sync", "dirsync", "lazytime", "mand"]).superblockFlags == [
                "sync", "dirsync", "lazytime", "mand",
            ])
        #expect(MountOptions(["lazytime", "nolazytime", "nomand"]).superblockFlags == [])
    }

    @Test(
        "MNT-9, MNT-11: words without effect are accepted and never reach the file system",
        arguments: ["defaults", "loud", "silent", "iversion", "noiversion"])
    func ignored(word: String) {
        #expect(MountOptions([word]) == MountOptions())
    }

    @Test func `MNT-12: propagation options are kept in order`() {
        let options = MountOptions(["rslave", "shared", "runbindable", "private"])
        #expect(
            options.propagation == [
                PropagationChange(.isSlave, recursive: true), PropagationChange(.isShared, recursive: false),
                PropagationChange(.isUnbindable, recursive: true),
                PropagationChange(.isPrivate, recursive: false),
            ])
    }

    @Test func `MNT-3, MNT-18, MNT-19, MNT-20: words that say what kind of mount it is`() {
        #expect(MountOptions(["bind"]).bind == .single)
        #expect(MountOptions(["rbind"]).bind == .recursive)
        #expect(MountOptions(["remount"]).remount)
        #expect(MountOptions(["idmap"]).identityMap == .single)
        #expect(MountOptions(["ridmap"]).identityMap == .recursive)
        #expect(MountOptions(["tmpcopyup"]).copiesUp)
        #expect(MountOptions(["idmap", "ridmap", "tmpcopyup", "remount", "bind"]).parameters.isEmpty)
    }

    @Test func `MNT-17: unknown options go to the file system, also comma-joined`() {
        #expect(
            MountOptions(["size=64k,mode=0700", "nr_inodes=5", "userxattr"]).parameters == [
                MountParameter("size", "64k"), MountParameter("mode", "0700"),
                MountParameter("nr_inodes", "5"),
                MountParameter("userxattr"),
            ])
        #expect(
            MountOptions(["lowerdir=/a\\,b,x"]).parameters == [
                MountParameter("lowerdir", "/a\\,b"), MountParameter("x"),
            ])
        #expect(
            MountOptions(["lowerdir+=/a", "lowerdir+=/b"]).parameters
                == [MountParameter("lowerdir+", "/a"), MountParameter("lowerdir+", "/b")])
        #expect(MountOptions(["=x", ","]).parameters == [MountParameter("=x")])
    }

    @Test func `I-14: what hides behind a comma is data, not a mount option`() {
        let options = MountOptions(["size=1k,ro,rbind"])
        #expect(options.flags.isEmpty)
        #expect(options.bind == .none)
        #expect(
            options.parameters == [
                MountParameter("size", "1k"), MountParameter("ro"), MountParameter("rbind"),
            ])
    }

    @Test func `every known word is understood`() {
        for word in MountOptions.knownWords { #expect(MountOptions([word]).parameters.isEmpty, "\(word)") }
        #expect(MountOptions.knownWords.count == Set(MountOptions.knownWords).count)
        #expect(MountOptions.knownWords.contains("rnodev"))
    }
}
