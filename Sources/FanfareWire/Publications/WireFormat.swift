import NIOCore

/// The registry of wire formats: how a publication reads to one kind of client, down to the bytes of its transport.
///
/// A new format is a case here, its place in ``PerFormat``, its encoder in a folder under `Protocols`, and nothing else.
public enum WireFormat: Int, Sendable, CaseIterable {
    /// A WebSocket message that is the payload itself.
    case rawWebSocket
    /// A WebSocket text message with a push of the Centrifuge client protocol in JSON.
    case centrifugeJSONWebSocket
    /// As ``rawWebSocket``, to clients that take permessage-deflate.
    case rawWebSocketDeflate
    /// As ``centrifugeJSONWebSocket``, to clients that take permessage-deflate.
    case centrifugeJSONWebSocketDeflate

    /// The same without compression; itself where there is none.
    public var plain: WireFormat {
        switch self {
        case .rawWebSocket, .rawWebSocketDeflate: .rawWebSocket
        case .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate: .centrifugeJSONWebSocket
        }
    }

    /// The same with compression.
    public var deflated: WireFormat {
        switch self {
        case .rawWebSocket, .rawWebSocketDeflate: .rawWebSocketDeflate
        case .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate: .centrifugeJSONWebSocketDeflate
        }
    }

    /// The ready bytes of `publication` in this format, WebSocket header included; not compressed, which is for frames that
    /// many share (``PreparedPublication``) and may be left out at any time.
    public func encode(_ publication: Publication) -> ByteBuffer {
        switch self {
        case .rawWebSocket, .rawWebSocketDeflate: RawEncoder.frame(publication)
        case .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate:
            CentrifugeJSONEncoder.publicationFrame(publication)
        }
    }

    /// What formats with compression make of a plain frame: a smaller one, or the same.
    ///
    /// - Parameters:
    ///   - threshold: bytes of a frame from which it is worth to try; 0: every frame, also where it gets no smaller.
    ///   - windowBits: size of the receiver's window, as a power of two; the one of all shared frames by default.
    public static func deflate(_ frame: ByteBuffer, threshold: Int, windowBits: Int? = nil) -> ByteBuffer {
        guard frame.readableBytes >= threshold else { return frame }
        let bits = windowBits ?? Deflater.sharedWindowBits
        let growth = threshold == 0 ? DeflateAgreement.growth(frame.readableBytes) : -1
        return Deflater.compress(frame: frame, windowBits: bits, growth: growth) ?? frame
    }
}

/// A set of wire formats and, for those that compress, from which size they do.
public struct WireFormats: Sendable, ExpressibleByArrayLiteral {
    /// One bit for each format, so that it fits an atomic.
    public let mask: UInt8
    /// Bytes of a frame from which it is compressed.
    public let threshold: Int

    public init(mask: UInt8, threshold: Int) {
        self.mask = mask
        self.threshold = threshold
    }

    /// Without compression.
    public init(arrayLiteral formats: WireFormat...) {
        self.init(mask: formats.reduce(0) { $0 | Self.bit($1) }, threshold: .max)
    }

    public static func bit(_ format: WireFormat) -> UInt8 { 1 << UInt8(format.rawValue) }

    public func contains(_ format: WireFormat) -> Bool { mask & Self.bit(format) != 0 }
}
