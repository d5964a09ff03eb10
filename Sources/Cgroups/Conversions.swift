/// Conversions of v1 values, which the runtime-spec uses, to the ranges of v2. They are published with the
/// runtime-spec's implementations, so that a container gets the same weight from every runtime.
package enum Conversions {
    /// `cpu.shares` [2, 262144] to `cpu.weight` [1, 10000] such that both ends and the default meet:
    /// 2 is 1, 1024 is 100, 262144 is 10000 (RES-7).
    package static func cpuWeight(shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let l = binaryLogarithm(Double(shares))
        let exponent = (l * l + 125 * l) / 612 - 7.0 / 34
        // The last bits of the sum must not lift an exact result such as 100 to the next number.
        let weight = powerOfTwo(exponent * binaryLogarithm(10)) - 1e-9
        return UInt64(weight.rounded(.up))
    }

    /// `blkio.weight` [10, 1000] to `io.weight` [1, 10000], linear (RES-14).
    package static func ioWeight(_ weight: UInt64) -> UInt64 {
        1 + (max(weight, 10) - 10) * 9999 / 990
    }

    /// The standard library has no logarithm; the C library's is out of reach of this layer.
    /// log2(x) for x > 0 by the series of the inverse hyperbolic tangent, exact to about 1e-15.
    static func binaryLogarithm(_ x: Double) -> Double {
        let ratio = (x.significand - 1) / (x.significand + 1)
        var power = ratio
        var sum = 0.0
        for k in 0..<30 {
            sum += power / Double(2 * k + 1)
            power *= ratio * ratio
        }
        return Double(x.exponent) + 2 * sum / naturalLogarithmOfTwo
    }

    /// 2 to the power of y by the exponential series.
    static func powerOfTwo(_ y: Double) -> Double {
        let whole = y.rounded(.down)
        let x = (y - whole) * naturalLogarithmOfTwo
        var term = 1.0
        var sum = 1.0
        for k in 1..<24 {
            term *= x / Double(k)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(whole), significand: sum)
    }

    private static let naturalLogarithmOfTwo = 0.693147180559945309417232121458
}
