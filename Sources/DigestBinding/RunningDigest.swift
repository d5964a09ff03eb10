internal import CDigest

/// The digest functions that image descriptors use.
/// - SeeAlso: image-spec descriptor.md §Registered algorithms
package enum DigestFunction: Sendable, CaseIterable {
    /// SHA-256, 32 bytes; the one that every tool must know.
    case sha256
    /// SHA-512, 64 bytes; optional.
    case sha512
}

/// A digest over bytes that arrive piece by piece.
///
/// A class, so that the reader of a stream and the one who wants the result can hold the same one.
/// - SeeAlso: EVP_DigestInit(3ssl)
@safe
package final class RunningDigest {
    private let context: OpaquePointer
    /// How many bytes went in so far.
    package private(set) var count: Int64 = 0
    private var result: [UInt8]?

    /// A digest of nothing yet.
    package init(_ function: DigestFunction) {
        // SAFETY: the context is owned by this object and released once, in deinit; EVP_sha256 and EVP_sha512
        // are static tables. Neither can fail but for lack of memory or a libcrypto without SHA-2.
        guard let context = unsafe EVP_MD_CTX_new(),
            unsafe EVP_DigestInit_ex(context, function == .sha256 ? EVP_sha256() : EVP_sha512(), nil) == 1
        else { preconditionFailure("libcrypto gives no \(function)") }
        unsafe self.context = context
    }

    deinit {
        // SAFETY: made in init and released nowhere else.
        unsafe EVP_MD_CTX_free(context)
    }

    /// Adds bytes.
    package func update(_ bytes: Span<UInt8>) {
        precondition(result == nil, "a finished digest takes no more bytes")
        count += Int64(bytes.count)
        // SAFETY: libcrypto reads `count` bytes from the span during the call only.
        let result = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
        }
        precondition(result == 1, "EVP_DigestUpdate refused plain bytes")
    }

    /// Adds the bytes of an array.
    package func update(_ bytes: [UInt8]) { update(bytes.span) }

    /// The digest of all that went in; after that nothing more may be added.
    package func finish() -> [UInt8] {
        if let result { return result }
        var length: UInt32 = 0
        var status: Int32 = 0
        // SAFETY: EVP_MAX_MD_SIZE is 64; libcrypto writes `length` bytes, which are then initialised.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64) { buffer, initialised in
            status = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, &length)
            initialised = Int(length)
        }
        precondition(status == 1, "EVP_DigestFinal_ex refused an open context")
        result = bytes
        return bytes
    }

    /// The digest of an array, in one go.
    package static func of(_ bytes: [UInt8], by function: DigestFunction) -> [UInt8] {
        let digest = RunningDigest(function)
        digest.update(bytes)
        return digest.finish()
    }
}
