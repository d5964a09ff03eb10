package import LinuxSystem

/// One end of the connection between runtime and init: one record per message.
package struct SyncChannel: ~Copyable {
    private let fd: OwnedFD

    /// Takes over a connected socket that keeps message boundaries, or a stream that carries a single record.
    package init(adopting fd: consuming OwnedFD) { self.fd = fd }

    /// Two connected ends.
    package static func pair() throws(SyscallError) -> (runtime: Int32, initial: Int32) {
        let ends = try SequencedSocket.pair().ends()
        return (ends.first, ends.second)
    }

    /// For poll.
    package var borrowed: BorrowedFD { fd.borrowed }

    /// Sends a record, with a descriptor if given.
    package func send(_ record: SyncRecord, with descriptor: BorrowedFD? = nil) throws(SyscallError) {
        try fd.borrowed.sendMessage(record.encoded, descriptors: descriptor.map { [$0] } ?? [])
    }

    /// Waits for the next record; `none` when the other side has closed, `unreadable` for other bytes.
    package func receive() throws(SyscallError) -> ReceivedRecord {
        var message: ReceivedMessage
        do throws(SyscallError) {
            message = try fd.borrowed.receiveMessage(max: SyncRecord.sizeLimit)
        } catch {
            // The other side has ended with records of ours unread. The kernel says so once, before what it had
            // sent itself; that comes with the next call.
            if error.errno == .ECONNRESET { return try receive() }
            throw error
        }
        let descriptor = message.descriptor.take()
        if message.bytes.isEmpty { return ReceivedRecord(content: .closed, descriptor: descriptor) }
        guard let record = SyncRecord(decoding: message.bytes) else {
            return ReceivedRecord(content: .unreadable, descriptor: descriptor)
        }
        return ReceivedRecord(content: .record(record), descriptor: descriptor)
    }
}

/// A record as it arrived, with the descriptor that came along.
package struct ReceivedRecord: ~Copyable {
    /// What arrived.
    package enum Content: Sendable, Equatable {
        /// The other side has closed its end, by exec or by its death.
        case closed
        /// Bytes that are no record.
        case unreadable
        /// A record.
        case record(SyncRecord)
    }

    /// What arrived.
    package let content: Content
    /// The descriptor that came along.
    package var descriptor: OwnedFD?
}
