import FanfareWire
import NIOCore

/// The commands of one message, in whichever encoding. Each is taken apart when it is asked for.
enum CentrifugeMessage: Sendable {
    case json(CentrifugeJSONMessage)
    case protobuf(CentrifugeProtobufMessage)

    /// - Parameters:
    ///   - maxCommands: most commands in one message.
    ///   - maxSubscriptions: most channels in the `subs` of a `connect`.
    init(
        _ bytes: ByteBuffer, _ encoding: CentrifugeEncoding, maxCommands: Int, maxSubscriptions: Int
    ) throws(CentrifugeDecodeError) {
        switch encoding {
        case .json:
            self = .json(try .init(bytes, maxCommands: maxCommands, maxSubscriptions: maxSubscriptions))
        case .protobuf:
            self = .protobuf(try .init(bytes, maxCommands: maxCommands, maxSubscriptions: maxSubscriptions))
        }
    }

    /// How many commands are left.
    var count: Int {
        switch self {
        case .json(let message): message.count
        case .protobuf(let message): message.count
        }
    }

    /// The next command; `nil` when there is none left. After an error the rest is not to be believed.
    mutating func next() throws(CentrifugeDecodeError) -> CentrifugeCommand? {
        switch self {
        case .json(var message):
            defer { self = .json(message) }
            return try message.next()
        case .protobuf(var message):
            defer { self = .protobuf(message) }
            return try message.next()
        }
    }
}
