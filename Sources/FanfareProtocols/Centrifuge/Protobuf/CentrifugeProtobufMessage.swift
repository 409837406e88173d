import FanfareWire
import NIOCore

/// The commands of one message, each behind its length (Centrifuge client protocol, Protobuf).
///
/// Each is taken apart when it is asked for, so that a message of many commands costs what of it is begun, and no more at once.
public struct CentrifugeProtobufMessage: Sendable {
    /// How many commands are left.
    public private(set) var count: Int
    private var rest: ByteBuffer
    private let maxSubscriptions: Int

    /// Counts the commands, and looks at no more of them. One that is cut off counts: it is an error when its turn comes.
    ///
    /// - Parameters:
    ///   - maxCommands: most commands in one message.
    ///   - maxSubscriptions: most channels in the `subs` of a `connect`.
    public init(
        _ message: ByteBuffer, maxCommands: Int, maxSubscriptions: Int = 1_024
    ) throws(CentrifugeDecodeError) {
        (count, rest, self.maxSubscriptions) = (0, message, maxSubscriptions)
        var parts = message
        while parts.readableBytes > 0 {
            guard count < maxCommands else { throw .tooManyCommands(limit: maxCommands) }
            count += 1
            guard parts.readProtobufBytes() != nil else { break }
        }
        guard count > 0 else { throw .notAMessage }
    }

    /// The next command; `nil` when there is none left. After an error the rest is not to be believed.
    public mutating func next() throws(CentrifugeDecodeError) -> CentrifugeCommand? {
        guard count > 0 else { return nil }
        count -= 1
        guard let command = rest.readProtobufBytes() else { throw .notAMessage }
        return try CentrifugeProtobufDecoder.command(command, maxSubscriptions: maxSubscriptions)
    }
}
