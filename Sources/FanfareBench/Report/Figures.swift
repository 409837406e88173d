/// Numbers for people.
enum Figures {
    /// `1,234,567`.
    static func count(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
            place -= 3
        }
        return number < 0 ? "-" + digits : digits
    }

    /// Microseconds as µs, ms or s with three digits.
    static func time(_ microseconds: UInt64) -> String {
        switch microseconds {
        case ..<1_000: "\(microseconds) µs"
        case ..<1_000_000: fixed(Double(microseconds) / 1_000, for: 1_000) + " ms"
        default: fixed(Double(microseconds) / 1_000_000, for: 1_000) + " s"
        }
    }

    /// With as many decimals as three digits leave.
    static func fixed(_ number: Double, for limit: Double = 1_000) -> String {
        decimals(number, number < 10 ? 2 : number < 100 ? 1 : 0)
    }

    /// With so many decimals.
    static func decimals(_ number: Double, _ places: Int) -> String {
        let factor = (0..<places).reduce(1) { result, _ in result * 10 }
        let scaled = Int((number.magnitude * Double(factor)).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return sign + count(scaled) }
        let rest = String(scaled % factor)
        let zeros = String(repeating: "0", count: places - rest.count)
        return sign + count(scaled / factor) + "." + zeros + rest
    }

    /// Bytes as MiB.
    static func mebibytes(_ bytes: Double) -> String { decimals(bytes / 1_048_576, 1) + " MiB" }
}

extension Times {
    /// A percentile, microseconds.
    func p(_ percentile: Double) -> UInt64 { valueAtPercentile(percentile) }
}
