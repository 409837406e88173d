import FanfareWire
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is said and understood of the Centrifuge client protocol in JSON.
enum CentrifugeText {
    /// A reply to a command.
    enum Reply: Equatable {
        /// No reply: a push, or nothing that is known.
        case none
        /// It was done; its id.
        case success(UInt32)
        /// It was not done.
        case failure(UInt32, code: UInt32, message: String)
    }

    static let connectID: UInt32 = 1
    static let subscribeID: UInt32 = 2
    /// Answers the server's `{}`.
    static let pong = ClientFrame.text("{}")
    static let connect = ClientFrame.text(#"{"id":1,"connect":{}}"#)

    /// Both commands in one message.
    static func connectAndSubscribe(_ channel: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        ClientFrame.write(.text, into: &buffer) { text in
            text.writeStaticString("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":")
            JSONWriter.writeString(channel, into: &text)
            text.writeStaticString("}}")
        }
        return buffer
    }

    @inline(__always)
    static func isPing(_ message: UnsafeRawBufferPointer) -> Bool {
        message.count == 2 && message[0] == UInt8(ascii: "{") && message[1] == UInt8(ascii: "}")
    }

    /// Whether a message begins as a push does; publications that carry no stamp are somebody else's.
    static func isPush(_ message: UnsafeRawBufferPointer) -> Bool { message.starts(with: #"{"push":"#.utf8) }

    /// Where the next stamp begins.
    @inline(__always)
    static func findStamp(_ message: UnsafeRawBufferPointer, from offset: Int) -> Int? {
        // The last byte of the magic is rare in JSON, and memchr looks at many bytes at once.
        var start = offset + 7
        while let base = message.baseAddress, message.count > start {
            // The search stays within the message.
            guard let slash = memchr(base + start, 0x2F, message.count - start) else { return nil }
            let place = UnsafeRawPointer(slash) - base - 7
            if Stamp.isAt(place, in: message) { return place }
            start = place + 8
        }
        return nil
    }

    /// Reads a reply. Objects are made here: for a few replies per connection and for publishers.
    static func reply(_ line: UnsafeRawBufferPointer) -> Reply {
        guard let members = JSONMembers(ByteBuffer(bytes: line)), let id = members["id"]?.unsigned else { return .none }
        guard let error = members["error"] else { return .success(id) }
        let details = JSONMembers(error.bytes)
        return .failure(
            id, code: details?["code"]?.unsigned ?? 0,
            message: Printable.text((details?["message"]?.string ?? "no message").utf8.prefix(200)))
    }
}

/// A close frame for a person.
enum CloseText {
    static func describe(_ payload: UnsafeRawBufferPointer) -> String {
        guard payload.count >= 2 else { return "close without a code" }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let reason = Printable.text(payload.dropFirst(2).prefix(64))
        return "close \(code)" + (reason.isEmpty ? "" : " \(reason)")
    }
}
