import FanfareWire
import NIOCore

/// What a client emitted: `["name", …]`.
public struct SocketIOEvent: Sendable, Equatable {
    /// Names that mean something to the libraries themselves: nobody may emit them (Socket.IO protocol 5).
    static let reserved: Set<ExactText> = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]

    /// `nil`: a number, or text that can't be decoded (a lone surrogate); both are legal.
    public let name: ExactText?
    /// The first arguments behind the name.
    public let arguments: [JSONMembers.Value]
    /// All of it, as it came.
    let data: ByteBuffer

    init(_ data: ByteBuffer) throws(SocketIOPacketError) {
        guard let elements = JSONElements(data, keeping: 1 + SocketIOBounds.arguments),
            let name = elements.first.first
        else { throw .data("the data of an event is an array that begins with its name") }
        self.data = data
        arguments = Array(elements.first.dropFirst())
        switch name.bytes.readableBytesView.first ?? 0 {
        case UInt8(ascii: "\""):
            self.name = name.text
            if let text = self.name, Self.reserved.contains(text) {
                throw .data("the event name '\(text)' is reserved")
            }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): self.name = nil
        default: throw .data("an event's name is a string or a number")
        }
    }
}

/// `{"_placeholder":true,"num":0}`: where an attachment belongs in a packet's JSON.
enum SocketIOPlaceholder {
    private static let key = Array("\"_placeholder\"".utf8)

    /// The attachment for which a value stands; `nil`: it is another value.
    static func number(_ value: JSONMembers.Value) -> Int? {
        guard let members = JSONMembers(value.bytes, limit: 2), members["_placeholder"]?.bool == true,
            let number = members["num"]?.unsigned
        else { return nil }
        return Int(number)
    }

    /// Whether there is one in a value.
    static func isIn(_ value: JSONMembers.Value) -> Bool {
        value.bytes.withUnsafeReadableBytes { bytes in next(bytes, from: 0) != nil }
    }

    /// Checks that each placeholder stands for an attachment that there is. One pass: placeholders have two members, in either order, and
    /// another one is refused.
    static func check(_ json: ByteBuffer, attachments: Int) throws(SocketIOPacketError) {
        let isValid = json.withUnsafeReadableBytes { bytes in
            var start = 0
            while let place = next(bytes, from: start) {
                guard let number = number(bytes, at: place), number < attachments else { return false }
                start = place + key.count
            }
            return true
        }
        guard isValid else { throw .data("a placeholder stands for one of the packet's \(attachments) attachments") }
    }

    /// Where the key `"_placeholder"` is next whose value is `true`. Within a string the quotes would have a backslash before them.
    private static func next(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index + key.count <= bytes.count {
            guard bytes[index] == key[0], bytes[index + 1] == key[1],
                UnsafeRawBufferPointer(rebasing: bytes[index..<index + key.count]).elementsEqual(key)
            else {
                index += 1
                continue
            }
            var scanner = Walk(bytes, at: index + key.count)
            if scanner.take(":"), scanner.take("true") { return index }
            index += key.count
        }
        return nil
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Int? {
        guard Walk.isBehindBrace(bytes, place) else { return numberBefore(bytes, place) }
        var walk = Walk(bytes, at: place + key.count)
        guard walk.take(":"), walk.take("true"), walk.take(","), walk.take("\"num\""), walk.take(":"),
            let number = walk.number(), walk.take("}")
        else { return nil }
        return number
    }

    /// The number of `{"num":0,"_placeholder":true}`: the members of an object have no order.
    private static func numberBefore(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Int? {
        var behind = Walk(bytes, at: place + key.count)
        guard behind.take(":"), behind.take("true"), behind.take("}") else { return nil }
        var before = Walk(bytes, at: place)
        guard before.takeBack(","), let number = before.numberBack(), before.takeBack(":"),
            before.takeBack("\"num\""), before.takeBack("{")
        else { return nil }
        return number
    }

    /// Tokens with whitespace between them.
    private struct Walk {
        let bytes: UnsafeRawBufferPointer
        var index: Int

        init(_ bytes: UnsafeRawBufferPointer, at index: Int) { (self.bytes, self.index) = (bytes, index) }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }

        static func isBehindBrace(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Bool {
            var index = place
            while index > 0, isSpace(bytes[index - 1]) { index -= 1 }
            return index > 0 && bytes[index - 1] == UInt8(ascii: "{")
        }

        mutating func take(_ word: StaticString) -> Bool {
            while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
            let count = word.utf8CodeUnitCount
            guard index + count <= bytes.count else { return false }
            for offset in 0..<count where bytes[index + offset] != word.utf8Start[offset] { return false }
            index += count
            return true
        }

        /// As ``take(_:)`` of what stands before.
        mutating func takeBack(_ word: StaticString) -> Bool {
            while index > 0, Self.isSpace(bytes[index - 1]) { index -= 1 }
            let count = word.utf8CodeUnitCount
            guard index >= count else { return false }
            for offset in 0..<count where bytes[index - count + offset] != word.utf8Start[offset] { return false }
            index -= count
            return true
        }

        mutating func numberBack() -> Int? {
            while index > 0, Self.isSpace(bytes[index - 1]) { index -= 1 }
            var (value, scale, count) = (0, 1, 0)
            while index > 0, count < 6, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index - 1]) {
                value += Int(bytes[index - 1] - UInt8(ascii: "0")) * scale
                (index, scale, count) = (index - 1, scale * 10, count + 1)
            }
            return count > 0 ? value : nil
        }

        mutating func number() -> Int? {
            while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
            var (value, count) = (0, 0)
            while index < bytes.count, count < 6, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
                value = value * 10 + Int(bytes[index] - UInt8(ascii: "0"))
                (index, count) = (index + 1, count + 1)
            }
            return count > 0 ? value : nil
        }
    }
}
