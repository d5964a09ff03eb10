/// Finds Ctrl-P Ctrl-Q in what a person types, with which one leaves a container that goes on. Ctrl-P is held back until
/// the next byte tells what it meant.
package struct DetachKeys: Sendable {
    private static let first: UInt8 = 16
    private static let second: UInt8 = 17

    private var holdsFirst = false

    /// Nothing was typed yet.
    package init() {}

    /// The bytes to pass on, and whether the keys were found; what follows them is dropped.
    package mutating func filter(_ bytes: [UInt8]) -> (passed: [UInt8], isDetached: Bool) {
        var passed: [UInt8] = []
        for byte in bytes {
            if holdsFirst {
                if byte == Self.second {
                    holdsFirst = false
                    return (passed, true)
                }
                passed.append(Self.first)
                holdsFirst = false
            }
            if byte == Self.first {
                holdsFirst = true
            } else {
                passed.append(byte)
            }
        }
        return (passed, false)
    }
}
