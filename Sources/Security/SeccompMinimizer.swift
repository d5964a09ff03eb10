/// Makes a filter shorter without changing what it says.
///
/// libseccomp tests each call number on its own, for each architecture. The kernel checks, translates and compiles
/// every instruction each time a filter is loaded, so length is start-up time. Here the program is run with
/// architecture and number fixed; what remains is a verdict or a tree of tests on arguments. Neighbouring numbers with
/// the same remainder become one range, equal remainders are written once, and a binary search leads to them.
///
/// Everything that this does not fully understand gives nil, and then the program stays as it was.
struct SeccompMinimizer {
    /// What is left of a program for a given architecture and number; equal ones have one index.
    enum Remainder: Hashable {
        case verdict(UInt32)
        /// A test of the word at `offset`, masked, by the jump instruction `code` with `operand`.
        case test(offset: UInt32, mask: UInt32, code: UInt16, operand: UInt32, yes: Int, no: Int)
    }

    /// Numbers from `first` on (to the next range) have this remainder.
    struct Range: Equatable {
        let first: UInt32
        let remainder: Int
    }

    /// What the accumulator holds.
    private enum Value {
        case unknown
        case constant(UInt32)
        case number
        case architecture
        case argument(offset: UInt32, mask: UInt32)
    }

    private let program: [SeccompInstruction]
    private(set) var remainders: [Remainder] = []
    private var indices: [Remainder: Int] = [:]
    /// The architectures that the program asks for, in its order.
    private(set) var architectures: [UInt32] = []
    private var steps = 0

    /// Tests on arguments can multiply; long before that is a burden the program stays as it was.
    private static let stepLimit = 400_000

    /// The shorter program, or nil.
    static func shorten(_ program: [SeccompInstruction]) -> [SeccompInstruction]? {
        guard let result = rewrite(program), result.count < program.count else { return nil }
        return result
    }

    /// The program from its remainders, whatever its length; nil when it is not understood.
    static func rewrite(_ program: [SeccompInstruction]) -> [SeccompInstruction]? {
        var minimizer = SeccompMinimizer(program)
        let used = Set(program.map(\.operand))
        guard let other = (UInt32.max - 8192..<UInt32.max).first(where: { !used.contains($0) }),
            let rest = minimizer.ranges(architecture: other)
        else { return nil }
        var sections: [(UInt32, [Range])] = []
        for architecture in minimizer.architectures {
            guard let ranges = minimizer.ranges(architecture: architecture) else { return nil }
            sections.append((architecture, ranges))
        }
        var writer = SeccompWriter(minimizer.remainders)
        return writer.write(sections, otherwise: rest)
    }

    private init(_ program: [SeccompInstruction]) {
        self.program = program
    }

    /// The remainders of all numbers, neighbours with the same one joined.
    private mutating func ranges(architecture: UInt32) -> [Range]? {
        var ranges: [Range] = []
        var first: UInt32 = 0
        while true {
            // The greatest number up to which no test on the number comes out differently.
            var last = UInt32.max
            guard let remainder = run(0, .unknown, architecture, first, &last) else { return nil }
            if ranges.last?.remainder != remainder {
                ranges.append(Range(first: first, remainder: remainder))
            }
            if last == UInt32.max { return ranges }
            first = last + 1
        }
    }

    private mutating func run(
        _ start: Int, _ initial: Value, _ architecture: UInt32, _ number: UInt32, _ last: inout UInt32
    ) -> Int? {
        var value = initial
        var counter = start
        while counter < program.count {
            steps += 1
            guard steps < Self.stepLimit, remainders.count <= SeccompInstruction.limit else { return nil }
            let step = program[counter]
            counter += 1
            switch step.code {
            case 0x20:
                guard let loaded = Self.load(step.operand) else { return nil }
                value = loaded
            case 0x00: value = .constant(step.operand)
            case 0x54:
                guard let masked = Self.and(value, step.operand) else { return nil }
                value = masked
            case 0x05: counter += Int(step.operand)
            case 0x06: return index(of: .verdict(step.operand))
            case 0x15, 0x25, 0x35, 0x45:
                let (yes, no) = (counter + Int(step.jumpTrue), counter + Int(step.jumpFalse))
                if case .argument(let offset, let mask) = value {
                    guard let whenTrue = run(yes, value, architecture, number, &last),
                        let whenFalse = run(no, value, architecture, number, &last)
                    else { return nil }
                    if whenTrue == whenFalse { return whenTrue }
                    return index(
                        of: .test(
                            offset: offset, mask: mask, code: step.code, operand: step.operand, yes: whenTrue,
                            no: whenFalse))
                }
                guard let holds = decide(step, value, architecture, number, &last) else { return nil }
                counter = holds ? yes : no
            default: return nil
            }
        }
        return nil
    }

    /// The outcome of a jump on something fixed; narrows `last` for jumps on the number.
    private mutating func decide(
        _ step: SeccompInstruction, _ value: Value, _ architecture: UInt32, _ number: UInt32,
        _ last: inout UInt32
    ) -> Bool? {
        let operand = step.operand
        switch (value, step.code) {
        case (.constant(let constant), 0x15): return constant == operand
        case (.architecture, 0x15):
            if !architectures.contains(operand) { architectures.append(operand) }
            return architecture == operand
        case (.number, 0x15):
            if number == operand {
                last = number
            } else if number < operand {
                last = min(last, operand - 1)
            }
            return number == operand
        case (.number, 0x25):
            if number <= operand { last = min(last, operand) }
            return number > operand
        case (.number, 0x35):
            if number < operand { last = min(last, operand - 1) }
            return number >= operand
        default: return nil
        }
    }

    private mutating func index(of remainder: Remainder) -> Int {
        if let known = indices[remainder] { return known }
        remainders.append(remainder)
        indices[remainder] = remainders.count - 1
        return remainders.count - 1
    }

    private static func load(_ offset: UInt32) -> Value? {
        switch offset {
        case 0: .number
        case 4: .architecture
        case 16..<64 where offset % 4 == 0: .argument(offset: offset, mask: UInt32.max)
        default: nil
        }
    }

    private static func and(_ value: Value, _ operand: UInt32) -> Value? {
        switch value {
        case .constant(let constant): .constant(constant & operand)
        case .argument(let offset, let mask): .argument(offset: offset, mask: mask & operand)
        case .number, .architecture, .unknown: nil
        }
    }
}
