import JSONCoding
import RuntimeSpec
import Testing

/// A generator with a fixed seed (splitmix64), so that a failure can be repeated.
private struct FixedGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

struct MutationTests {
    /// Damaged documents end in a value or in an error with a place inside the document, never in a trap; and
    /// what was read can be written and read again.
    @Test(arguments: [
        "json/every-field.json", "json/features.json", "json/state.json", "engine-configs/slurm.json",
        "engine-configs/podman-exec-process.json",
    ])
    func `damaged documents are read or refused (BND-8)`(name: String) throws {
        let source = try Fixture.bytes(name)
        var generator = FixedGenerator(state: 0x5EED)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(1)
        var refused = 0
        for round in 0..<1500 where clock.now < end {
            let document = mutate(source, &generator)
            do throws(JSONError) {
                let spec = try RuntimeSpec(json: document)
                #expect(try RuntimeSpec(json: spec.json()) == spec, "round \(round)")
                _ = message { () throws(SpecError) in _ = try Validation.validate(spec) }
            } catch {
                refused += 1
                #expect((0...document.count).contains(error.offset), "round \(round)")
            }
        }
        #expect(refused > 0)
    }

    private func mutate(_ source: [UInt8], _ generator: inout FixedGenerator) -> [UInt8] {
        var document = source
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<document.count, using: &generator)
            let other = Int.random(in: place..<min(document.count, place + 40), using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: document[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: document.removeSubrange(place...other)
            case 2: document.insert(contentsOf: document[place...other], at: place)
            case 3: document[place] = Array("\"{}[]:,\\0-e.ntf".utf8).randomElement(using: &generator) ?? 0
            case 4: document.swapAt(place, other)
            default: document.removeLast(min(document.count - 1, other - place))
            }
        }
        return document
    }

    @Test func `every prefix of a document is refused`() throws {
        let source = try Fixture.bytes("json/features.json")
        for length in 0..<source.count {
            let prefix = Array(source[..<length])
            #expect(
                message { () throws(JSONError) in _ = try Features(json: prefix) } != nil, "\(length) bytes")
        }
    }
}
