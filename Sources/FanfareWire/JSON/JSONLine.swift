import NIOCore

/// One JSON value on one line: fit to stand inside any message of the Centrifuge protocol.
public struct JSONLine: Sendable, Equatable {
    /// The value as it came, with line breaks between its tokens turned into spaces.
    public let bytes: ByteBuffer

    /// - Returns: `nil` for what is not UTF-8 or not exactly one JSON value.
    public init?(_ text: ByteBuffer) {
        let isJSON = text.withUnsafeReadableBytes { UTF8Validator.isValid($0) && JSONScanner.isValid($0) }
        guard isJSON else { return nil }
        guard text.readableBytesView.contains(where: Self.isLineBreak) else {
            bytes = text
            return
        }
        // In valid JSON a raw line break is only ever whitespace.
        bytes = ByteBuffer(bytes: text.readableBytesView.map { Self.isLineBreak($0) ? UInt8(ascii: " ") : $0 })
    }

    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}
