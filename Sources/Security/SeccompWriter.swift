/// Writes a program from ranges of call numbers and what remains to be tested in each.
///
/// Jumps in classic BPF go forward only and conditional ones at most 255 instructions, so the program is written from
/// its end: what is jumped to is there already, and its distance is known. Labels count from the end.
struct SeccompWriter {
    private let remainders: [SeccompMinimizer.Remainder]
    /// The program backwards.
    private var reversed: [SeccompInstruction] = []
    /// Where a remainder was written last.
    private var labels: [Int: Int] = [:]

    init(_ remainders: [SeccompMinimizer.Remainder]) {
        self.remainders = remainders
    }

    /// A program that looks for the architecture, then for the range of the number, then does what remains.
    mutating func write(
        _ sections: [(architecture: UInt32, ranges: [SeccompMinimizer.Range])],
        otherwise rest: [SeccompMinimizer.Range]
    ) -> [SeccompInstruction] {
        var next = section(rest)
        // The first architecture is written last: nearest to the start.
        for (architecture, ranges) in sections.reversed() {
            let found = section(ranges)
            next = jump(0x15, architecture, yes: found, no: next)
        }
        append(.load(4))
        return reversed.reversed()
    }

    private mutating func section(_ ranges: [SeccompMinimizer.Range]) -> Int {
        let label = search(ranges[...])
        return ranges.count > 1 ? append(.load(0)) : label
    }

    /// A binary search for the number in the accumulator.
    private mutating func search(_ ranges: ArraySlice<SeccompMinimizer.Range>) -> Int {
        let middle = ranges.startIndex + ranges.count / 2
        guard middle > ranges.startIndex else { return write(ranges[middle].remainder) }
        let upper = search(ranges[middle...])
        let lower = search(ranges[..<middle])
        return jump(0x35, ranges[middle].first, yes: upper, no: lower)
    }

    private mutating func write(_ index: Int) -> Int {
        if let known = labels[index] { return known }
        let label: Int
        switch remainders[index] {
        case .verdict(let value): label = append(.verdict(value))
        case .test(let offset, let mask, let code, let operand, let yes, let no):
            let (whenTrue, whenFalse) = (write(yes), write(no))
            _ = jump(code, operand, yes: whenTrue, no: whenFalse)
            if mask != UInt32.max { append(SeccompInstruction(code: 0x54, operand: mask)) }
            label = append(.load(offset))
        }
        labels[index] = label
        return label
    }

    private mutating func jump(_ code: UInt16, _ operand: UInt32, yes: Int, no: Int) -> Int {
        // Bringing the second target near moves the first away by one.
        let near = bringNear(yes, reserving: 1)
        let other = bringNear(no, reserving: 0)
        return append(
            SeccompInstruction(
                code: code, jumpTrue: UInt8(reversed.count - near - 1),
                jumpFalse: UInt8(reversed.count - other - 1), operand: operand))
    }

    /// The label itself when a conditional jump written now reaches it, else that of a long jump or of a verdict
    /// written again.
    private mutating func bringNear(_ label: Int, reserving more: Int) -> Int {
        guard reversed.count + more - label - 1 > Int(UInt8.max) else { return label }
        if reversed[label].code == 0x06 {
            let copy = append(reversed[label])
            for (index, known) in labels where known == label { labels[index] = copy }
            return copy
        }
        return append(.jump(UInt32(reversed.count - label - 1)))
    }

    @discardableResult
    private mutating func append(_ instruction: SeccompInstruction) -> Int {
        reversed.append(instruction)
        return reversed.count - 1
    }
}
