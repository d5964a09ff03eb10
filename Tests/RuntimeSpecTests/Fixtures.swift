import Foundation
import JSONCoding
import RuntimeSpec

/// The documents under Tests/Fixtures.
enum Fixture {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    /// What engines really hand to a runtime: whole configurations.
    static let configurations = names.filter { !$0.hasSuffix("-exec-process.json") }

    /// What engines really hand to `exec`.
    static let processes = names.filter { $0.hasSuffix("-exec-process.json") }

    private static let names: [String] = {
        let path = folder.appendingPathComponent("engine-configs").path
        // An empty list is caught by the test that counts the fixtures.
        let found = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(".json") }.sorted().map { "engine-configs/\($0)" }
    }()

    /// A document as Foundation sees it, for comparisons that do not lean on our own reader.
    static func tree(_ bytes: [UInt8]) throws -> NSObject? {
        try JSONSerialization.jsonObject(with: Data(bytes)) as? NSObject
    }
}

/// The message of the error that `body` throws.
func message<E: Error>(_ body: () throws(E) -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}
