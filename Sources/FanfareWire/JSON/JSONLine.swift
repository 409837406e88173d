import NIOCore

/// One JSON value on one line: fit to stand inside any message of the Centrifuge protocol.
public struct JSONLine: Sendable, Equatable {
    /// The value as it came, with line breaks between its tokens turned into spaces.
    public let bytes: ByteBuffer

    /// - Returns: `nil` for what is not UTF-8 or not exactly one JSON value.
    public init?(_ text: ByteBuffer) {
        let isJSON = text.withUnsafeReadableBytes { UTF8Validator.isValid($0) && JSONScanner.isValid($0) }
        guard isJSON else { return nil }
        var line = text
        line.replaceLineBreaks(from: line.readerIndex)
        bytes = line
    }
}
