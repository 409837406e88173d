import FanfareWire
import NIOCore

/// Values of MessagePack as JSON with attachments, as Socket.IO writes them: bytes become placeholders. What JavaScript has no JSON for
/// (`NaN`, infinities) is `null`, as `JSON.stringify` has it.
struct MessagePackJSON {
    var json = ByteBuffer()
    var attachments: [ByteBuffer] = []

    /// Writes the next value.
    ///
    /// - Parameter depth: arrays and maps around it.
    mutating func write(_ reader: inout MessagePackReader, depth: Int = 0) throws(EmitterError) {
        switch try EmitterError.reading({ () throws(MessagePackError) in try reader.next() }) {
        case .null: json.writeStaticString("null")
        case .bool(let value): json.writeString("\(value)")
        case .negative(let number): json.writeString("\(number)")
        case .unsigned(let number): json.writeString("\(number)")
        case .double(let number): json.writeString(number.isFinite ? "\(number)" : "null")
        case .string(let bytes): bytes.withUnsafeReadableBytes { JSONWriter.writeString($0, into: &json) }
        case .binary(let bytes): try writeAttachment(bytes)
        case .ext(let type, let bytes): try writeExtension(type, bytes)
        case .array(let count):
            try Self.check(depth)
            json.writeStaticString("[")
            for index in 0..<count {
                if index > 0 { json.writeStaticString(",") }
                try write(&reader, depth: depth + 1)
            }
            json.writeStaticString("]")
        case .map(let count):
            try Self.check(depth)
            json.writeStaticString("{")
            for index in 0..<count {
                if index > 0 { json.writeStaticString(",") }
                try writeKey(&reader)
                try write(&reader, depth: depth + 1)
            }
            json.writeStaticString("}")
        }
    }

    private static func check(_ depth: Int) throws(EmitterError) {
        guard depth < EmitterBounds.depth else {
            throw EmitterError("nested deeper than \(EmitterBounds.depth) arrays and objects")
        }
    }

    /// Names of JavaScript's objects are texts: a number is the text of it.
    private mutating func writeKey(_ reader: inout MessagePackReader) throws(EmitterError) {
        switch try EmitterError.reading({ () throws(MessagePackError) in try reader.next() }) {
        case .string(let bytes): bytes.withUnsafeReadableBytes { JSONWriter.writeString($0, into: &json) }
        case .negative(let number): json.writeString("\"\(number)\"")
        case .unsigned(let number): json.writeString("\"\(number)\"")
        default: throw EmitterError("a key that is neither a text nor a whole number")
        }
        json.writeStaticString(":")
    }

    private mutating func writeAttachment(_ bytes: ByteBuffer) throws(EmitterError) {
        guard attachments.count < EmitterBounds.attachments else {
            throw EmitterError("more than \(EmitterBounds.attachments) attachments")
        }
        json.writeString("{\"_placeholder\":true,\"num\":\(attachments.count)}")
        attachments.append(bytes)
    }

    /// Type -1 is MessagePack's timestamp: a `Date` of notepack 3, which Node's emitters have used since redis-emitter 5.0. Type 0 is how
    /// notepack up to 2 writes what MessagePack has no type for: `undefined` as a zero byte, bytes of typed arrays, and a `Date` as eight
    /// bytes of milliseconds, which bytes may look like, too.
    private mutating func writeExtension(_ type: Int8, _ bytes: ByteBuffer) throws(EmitterError) {
        if type == -1 {
            guard let time = Self.timestamp(bytes), let text = Self.date(time) else {
                throw EmitterError("a timestamp that is none, or not of the years 0 to 9999")
            }
            json.writeString("\"\(text)\"")
            return
        }
        guard type == 0 else { throw EmitterError("an extension of type \(type)") }
        if bytes.readableBytes == 1, bytes.readableBytesView.first == 0 {
            json.writeStaticString("null")
        } else if bytes.readableBytes == 8, let time: Int64 = bytes.getInteger(at: bytes.readerIndex),
            let text = Self.date(time)
        {
            json.writeString("\"\(text)\"")
        } else {
            try writeAttachment(bytes)
        }
    }

    /// The milliseconds of a timestamp: 32 bits of seconds; 30 of nanoseconds and 34 of seconds; or 32 and 64, with a sign.
    private static func timestamp(_ bytes: ByteBuffer) -> Int64? {
        let start = bytes.readerIndex
        let (seconds, nanoseconds): (Int64, UInt32)
        switch bytes.readableBytes {
        case 4:
            guard let value: UInt32 = bytes.getInteger(at: start) else { return nil }
            (seconds, nanoseconds) = (Int64(value), 0)
        case 8:
            guard let value: UInt64 = bytes.getInteger(at: start) else { return nil }
            (seconds, nanoseconds) = (Int64(value & 0x3_FFFF_FFFF), UInt32(value >> 34))
        case 12:
            guard let fraction: UInt32 = bytes.getInteger(at: start), let value: Int64 = bytes.getInteger(at: start + 4)
            else { return nil }
            (seconds, nanoseconds) = (value, fraction)
        default: return nil
        }
        guard nanoseconds < 1_000_000_000 else { return nil }
        let (milliseconds, isTooFar) = seconds.multipliedReportingOverflow(by: 1_000)
        return isTooFar ? nil : milliseconds.addingReportingOverflow(Int64(nanoseconds / 1_000_000)).partialValue
    }

    /// `2026-11-27T15:49:52.000Z` for the milliseconds of a `Date` from the years 0 to 9999; `nil`: it is none.
    static func date(_ milliseconds: Int64) -> String? {
        guard (-62_167_219_200_000...253_402_300_799_999).contains(milliseconds) else { return nil }
        let day = 86_400_000 as Int64
        let (days, rest) = (
            milliseconds >= 0 ? milliseconds / day : (milliseconds - day + 1) / day,
            ((milliseconds % day) + day) % day
        )
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras have 400 of them.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let (dayOfMonth, civil) = (dayOfYear - (153 * month + 2) / 5 + 1, month < 10 ? month + 3 : month - 9)
        let year = yearOfEra + era * 400 + (civil <= 2 ? 1 : 0)
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let clock = [digits(rest / 3_600_000, 2), digits(rest / 60_000 % 60, 2), digits(rest / 1_000 % 60, 2)]
        return "\(digits(year, 4))-\(digits(civil, 2))-\(digits(dayOfMonth, 2))T\(clock.joined(separator: ":"))"
            + ".\(digits(rest % 1_000, 3))Z"
    }
}

extension EmitterError {
    /// What a reader of MessagePack says, in words for the log.
    static func reading<Value>(_ body: () throws(MessagePackError) -> Value) throws(EmitterError) -> Value {
        do { return try body() } catch { throw EmitterError("\(error)") }
    }
}
