import Testing

@testable import KernelFeatures

@Suite struct KernelExpectationsTests {
    private let text = """
        # of three kernels
        kernel 6.1
        lacks memory.peak: came later
        kernel 6.12.3
        lacks ns.*: switched off

        kernel 7.0
        """

    private func missing(_ release: String) throws -> [String]? {
        let expectations = try KernelExpectations(text, features: KernelFeature.all)
        return expectations.allowances(for: release).map { allowances in
            KernelFeature.all.filter { allowances.reason(for: $0) != nil }.map(\.name)
        }
    }

    @Test(arguments: ["6.1.0-40-amd64", "6.1", "6.2.99", "6.12.2"])
    func `a section holds up to the next`(_ release: String) throws {
        #expect(try missing(release) == ["memory.peak"])
    }

    @Test func `a star stands for the rest of a name`() throws {
        let found = try #require(try missing("6.12.3+deb13"))
        #expect(found.count > 5 && found.allSatisfy { $0.hasPrefix("ns.") })
    }

    @Test func `the last section holds for all that follow`() throws {
        #expect(try missing("99.1-rc1") == [])
    }

    @Test func `a kernel before the first section has no expectations`() throws {
        #expect(try missing("5.10.0") == nil)
    }

    @Test func `no two features have one name`() {
        let names = KernelFeature.all.map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: [Answer.present, .absent("a b"), .denied("")])
    func `an answer comes through the pipe as it was`(_ answer: Answer) {
        #expect(Answer(line: answer.line) == answer)
    }

    @Test func `what a survey found comes through the pipe as it was`() {
        let found = CgroupSurvey.look()
        #expect(
            CgroupSurvey(text: found.text).text.split(separator: "\n").sorted()
                == found.text.split(separator: "\n").sorted())
    }
}
