import FanfareWire
import NIOCore

/// Properties of a packet of version 5, in their order (§2.2.2). A packet of 3.1.1 has none.
struct MQTTProperties: Sendable, Equatable {
    enum Value: Sendable, Equatable {
        case number(UInt32)
        case text(ExactText)
        case bytes([UInt8])
        case pair(ExactText, ExactText)
    }

    struct Property: Sendable, Equatable {
        let id: MQTTPropertyID
        let value: Value
    }

    private(set) var all: [Property] = []

    init() {}

    /// Reads them with their length.
    ///
    /// - Parameter place: where they stand, in a packet of a client.
    init(_ fields: inout MQTTFields, in place: MQTTPropertyID.Place) throws(MQTTError) {
        let length = try fields.variable()
        var part = try fields.part(length)
        var (seen, users): (UInt64, Int) = (0, 0)
        while !part.isEmpty {
            let number = try part.byte()
            guard let id = MQTTPropertyID(rawValue: number), id.isAllowed(in: place) else {
                throw .malformed("\(place.name) can't have the property \(number)")
            }
            guard !id.isOfServer(in: place) else { throw .against("only a server may send \(id) in \(place.name)") }
            if id == .userProperty {
                users += 1
                guard users <= MQTTBounds.userProperties else {
                    throw MQTTError(.quotaExceeded, "more than \(MQTTBounds.userProperties) user properties")
                }
            } else {
                guard seen & 1 << UInt64(number) == 0 else { throw .against("\(id) comes twice in \(place.name)") }
                seen |= 1 << UInt64(number)
            }
            all.append(Property(id: id, value: try Self.value(of: id, &part)))
        }
    }

    private static func value(of id: MQTTPropertyID, _ part: inout MQTTFields) throws(MQTTError) -> Value {
        let value: Value
        switch id.form {
        case .flag:
            let flag = try part.byte()
            guard flag <= 1 else { throw .against("\(id) is neither 0 nor 1") }
            value = .number(UInt32(flag))
        case .short: value = .number(UInt32(try part.short()))
        case .long: value = .number(try part.long())
        case .variable: value = .number(UInt32(try part.variable()))
        case .text: value = .text(try part.text())
        case .bytes: value = .bytes(Array(buffer: try part.data()))
        case .pair:
            let name = try part.text()
            value = .pair(name, try part.text())
        }
        if id.isAboveZero, value == .number(0) { throw .against("\(id) is 0") }
        if id == .topicAlias, value == .number(0) { throw MQTTError(.topicAliasInvalid, "a topic alias is 0") }
        return value
    }

    mutating func append(_ id: MQTTPropertyID, _ value: Value) { all.append(Property(id: id, value: value)) }

    mutating func append(_ id: MQTTPropertyID, _ number: some BinaryInteger) {
        append(id, .number(UInt32(clamping: number)))
    }

    func number(_ id: MQTTPropertyID) -> UInt32? {
        for property in all where property.id == id { if case .number(let value) = property.value { return value } }
        return nil
    }

    func text(_ id: MQTTPropertyID) -> ExactText? {
        for property in all where property.id == id { if case .text(let value) = property.value { return value } }
        return nil
    }

    func bytes(_ id: MQTTPropertyID) -> [UInt8]? {
        for property in all where property.id == id { if case .bytes(let value) = property.value { return value } }
        return nil
    }

    /// User properties in their order.
    var users: [(name: ExactText, value: ExactText)] {
        all.compactMap { if case .pair(let name, let value) = $0.value { (name, value) } else { nil } }
    }

    /// Bytes of all of them, without their length.
    var size: Int {
        all.reduce(0) { sum, property in
            switch property.value {
            case .number(let number):
                switch property.id.form {
                case .flag: sum + 2
                case .short: sum + 3
                case .variable: sum + 1 + MQTTVariable.size(Int(number))
                default: sum + 5
                }
            case .text(let text): sum + 3 + text.utf8.count
            case .bytes(let bytes): sum + 3 + bytes.count
            case .pair(let name, let value): sum + 5 + name.utf8.count + value.utf8.count
            }
        }
    }

    /// Writes them without their length. Texts and bytes have at most 65,535 bytes: the writer of each packet sees to that.
    func write(into buffer: inout ByteBuffer) {
        for property in all {
            buffer.writeInteger(property.id.rawValue)
            switch property.value {
            case .number(let number):
                switch property.id.form {
                case .flag: buffer.writeInteger(UInt8(truncatingIfNeeded: number))
                case .short: buffer.writeInteger(UInt16(truncatingIfNeeded: number))
                case .variable: MQTTVariable.write(Int(number), into: &buffer)
                default: buffer.writeInteger(number)
                }
            case .text(let text): buffer.writeMQTTText(text)
            case .bytes(let bytes):
                buffer.writeInteger(UInt16(truncatingIfNeeded: bytes.count))
                buffer.writeBytes(bytes)
            case .pair(let name, let value):
                buffer.writeMQTTText(name)
                buffer.writeMQTTText(value)
            }
        }
    }
}

extension ByteBuffer {
    /// A text of at most 65,535 bytes behind its length.
    mutating func writeMQTTText(_ text: ExactText) {
        writeInteger(UInt16(truncatingIfNeeded: text.utf8.count))
        writeString(text.string)
    }
}
