import FanfareWire
import NIOCore

/// The commands of one message, one JSON object a line (Centrifuge client protocol, JSON).
///
/// Each is taken apart when it is asked for, so that a message of many commands costs what of it is begun, and no more at once.
public struct CentrifugeJSONMessage: Sendable {
    /// How many commands are left.
    public private(set) var count: Int
    private var rest: ByteBuffer
    private let maxSubscriptions: Int

    /// Counts the commands, and looks at no more of them.
    ///
    /// - Parameters:
    ///   - maxCommands: most commands in one message.
    ///   - maxSubscriptions: most channels in the `subs` of a `connect`.
    public init(
        _ message: ByteBuffer, maxCommands: Int, maxSubscriptions: Int = 1_024
    ) throws(CentrifugeDecodeError) {
        (count, rest, self.maxSubscriptions) = (0, message, maxSubscriptions)
        var lines = message
        while lines.readCommandLine() != nil {
            guard count < maxCommands else { throw .tooManyCommands(limit: maxCommands) }
            count += 1
        }
        guard count > 0 else { throw .notAnObject }
    }

    /// The next command; `nil` when there is none left. After an error the rest is not to be believed.
    public mutating func next() throws(CentrifugeDecodeError) -> CentrifugeCommand? {
        guard let line = rest.readCommandLine() else { return nil }
        count -= 1
        return try CentrifugeJSONDecoder.command(line, maxSubscriptions: maxSubscriptions)
    }
}

extension ByteBuffer {
    /// The next line that is not blank.
    fileprivate mutating func readCommandLine() -> ByteBuffer? {
        while readableBytes > 0 {
            let end = firstIndex(of: UInt8(ascii: "\n"), from: readerIndex) ?? writerIndex
            let line = readSlice(length: end - readerIndex)
            if readableBytes > 0 { moveReaderIndex(forwardBy: 1) }
            if let line, !line.readableBytesView.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return line }
        }
        return nil
    }
}
