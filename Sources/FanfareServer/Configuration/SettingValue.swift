import FanfareCore

/// The kinds of values that settings take: how they are written, which are allowed.
enum SettingKind: Sendable {
    /// Text that is not empty; says what is allowed, which its reader checks.
    case text(String)
    /// A whole number.
    case integer(ClosedRange<Int>)
    /// Bytes: a whole number, or one with KiB, MiB or GiB.
    case bytes(ClosedRange<Int>)
    /// A time: numbers with ms, s, m or h, as in `1m30s`; where it may be switched off, `off` or `0` does.
    case duration(ClosedRange<Duration>, mayBeOff: Bool)
    /// true or false.
    case flag
    /// One of some words.
    case choice([String])

    /// What is allowed, for people.
    var range: String {
        switch self {
        case .text(let allowed): allowed
        case .integer(let range): "\(range.lowerBound)–\(range.upperBound)"
        case .bytes(let range): "\(SettingText.bytes(range.lowerBound))–\(SettingText.bytes(range.upperBound))"
        case .duration(let range, let mayBeOff):
            "\(SettingText.duration(range.lowerBound))–\(SettingText.duration(range.upperBound))"
                + (mayBeOff ? ", or off" : "")
        case .flag: "true, false"
        case .choice(let words): words.joined(separator: ", ")
        }
    }

    /// Reads a value; `nil` when it is not of this kind or out of range.
    func read(_ text: String) -> SettingValue? {
        parse(text).flatMap { allows($0) ? $0 : nil }
    }

    /// Why ``read(_:)`` gave nothing: the end of a sentence that begins with the text.
    func mistake(in text: String) -> String {
        guard parse(text) == nil else { return "is out of range" }
        return switch self {
        case .text: "is empty"
        case .integer: "is not a whole number"
        case .bytes: "is not a number of bytes, as in 65536 or 64KiB"
        case .duration: "is not a duration, as in 500ms, 25s or 1m30s"
        case .flag: "is neither true nor false"
        case .choice: "is none of the words"
        }
    }

    /// Reads the form, whatever the range.
    private func parse(_ text: String) -> SettingValue? {
        switch self {
        case .text: text.isEmpty ? nil : .text(text)
        case .integer: Int(text).map(SettingValue.integer)
        case .bytes: SettingText.bytes(text).map(SettingValue.integer)
        case .duration(_, let mayBeOff):
            if mayBeOff, text.lowercased() == "off" || text == "0" {
                .off
            } else {
                SettingText.duration(text).map(SettingValue.duration)
            }
        case .flag: SettingText.flag(text).map(SettingValue.flag)
        case .choice(let words): words.contains(text.lowercased()) ? .text(text.lowercased()) : nil
        }
    }

    private func allows(_ value: SettingValue) -> Bool {
        switch (self, value) {
        case (.integer(let range), .integer(let number)), (.bytes(let range), .integer(let number)):
            range.contains(number)
        case (.duration(let range, _), .duration(let duration)): range.contains(duration)
        default: true
        }
    }
}

/// A value that was read and is in range.
enum SettingValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case duration(Duration)
    /// A duration switched off.
    case off
    case flag(Bool)
}

/// How values are written.
enum SettingText {
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    static func bytes(_ text: String) -> Int? {
        let units = [("KiB", 1_024), ("MiB", 1_048_576), ("GiB", 1_073_741_824)]
        for (unit, factor) in units where text.lowercased().hasSuffix(unit.lowercased()) {
            guard let number = Int(text.dropLast(3)) else { return nil }
            let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
            return overflow ? nil : bytes
        }
        return Int(text)
    }

    static func bytes(_ bytes: Int) -> String {
        for (unit, factor) in [("GiB", 1_073_741_824), ("MiB", 1_048_576), ("KiB", 1_024)]
        where bytes >= factor && bytes % factor == 0 {
            return "\(bytes / factor)\(unit)"
        }
        return "\(bytes)"
    }

    static func duration(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = text[...]
        var milliseconds = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let factors = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000]
            // A day's worth of digits: no product can overflow, and what many of them come to is checked.
            guard digits.count <= 9, let number = Int(digits), let factor = factors[String(unit)] else { return nil }
            let (sum, overflow) = milliseconds.addingReportingOverflow(number * factor)
            if overflow { return nil }
            milliseconds = sum
        }
        return text.isEmpty ? nil : .milliseconds(milliseconds)
    }

    static func duration(_ duration: Duration) -> String {
        var milliseconds = Int(duration.microseconds / 1_000)
        if milliseconds == 0 { return "0" }
        var text = ""
        for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] where milliseconds >= factor {
            text += "\(milliseconds / factor)\(unit)"
            milliseconds %= factor
        }
        return text
    }
}
