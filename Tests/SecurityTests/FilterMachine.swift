/// A small classic-BPF machine over `struct seccomp_data`: tells what a filter says about a call without loading it,
/// for every architecture.
struct FilterMachine {
    struct Call {
        var architecture: UInt32 = 0xc000_003e
        var number: UInt32
        var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]
    }
    enum Fault: Error, Equatable {
        case badInstruction(UInt16)
        case ranOff
        case badLoad(UInt32)
    }

    private struct Instruction {
        let code: UInt16
        let yes: UInt8
        let no: UInt8
        let operand: UInt32
    }
    private let program: [Instruction]

    init(_ bytes: [UInt8]) {
        program = stride(from: 0, to: bytes.count, by: 8).map { at in
            let operand = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 4 + $1]) << UInt32(8 * $1) }
            return Instruction(
                code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, yes: bytes[at + 2], no: bytes[at + 3],
                operand: operand)
        }
    }

    func verdict(_ call: Call) throws -> UInt32 {
        var accumulator: UInt32 = 0
        var index: UInt32 = 0
        var memory = [UInt32](repeating: 0, count: 16)
        var counter = 0
        while Int(counter) < program.count {
            let step = program[counter]
            counter += 1
            switch step.code {
            case 0x20: accumulator = try load(step.operand, call)
            case 0x60: accumulator = memory[Int(step.operand)]
            case 0x61: index = memory[Int(step.operand)]
            case 0x02: memory[Int(step.operand)] = accumulator
            case 0x03: memory[Int(step.operand)] = index
            case 0x00: accumulator = step.operand
            case 0x54: accumulator &= step.operand
            case 0x05: counter += Int(step.operand)
            case 0x15: counter += Int(accumulator == step.operand ? step.yes : step.no)
            case 0x25: counter += Int(accumulator > step.operand ? step.yes : step.no)
            case 0x35: counter += Int(accumulator >= step.operand ? step.yes : step.no)
            case 0x45: counter += Int(accumulator & step.operand != 0 ? step.yes : step.no)
            case 0x06: return step.operand
            default: throw Fault.badInstruction(step.code)
            }
        }
        throw Fault.ranOff
    }

    private func load(_ offset: UInt32, _ call: Call) throws -> UInt32 {
        switch offset {
        case 0: return call.number
        case 4: return call.architecture
        case 16..<64 where offset % 4 == 0:
            let argument = call.arguments[Int(offset - 16) / 8]
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
        default: throw Fault.badLoad(offset)
        }
    }
}
