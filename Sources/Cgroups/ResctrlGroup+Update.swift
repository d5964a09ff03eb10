package import LinuxSystem

extension ResctrlGroup {
    /// Changes lines of the group's schemata; what they do not name stays.
    /// - Returns: the text that was there, for `restore`.
    package func update(_ lines: [String], in root: Path) throws(StepError) -> String {
        let file = path.appending("schemata")
        let old = try during("read \(file)") { () throws(SyscallError) in
            String(decoding: try readFile(file), as: UTF8.self)
        }
        do throws(StepError) {
            try ResctrlTree.write(lines.map { "\($0)\n" }.joined(), to: file, root)
        } catch {
            var error = error
            // The kernel takes the lines one by one, so some may have been taken.
            if let note = restore(old, in: root) { error.notes.append(note) }
            throw error
        }
        return old
    }

    /// Brings the lines back that were there; what fails on the way is told.
    package func restore(_ text: String, in root: Path) -> String? {
        do throws(StepError) {
            try ResctrlTree.write(text, to: path.appending("schemata"), root)
            return nil
        } catch {
            return "not restored: \(error)"
        }
    }
}
