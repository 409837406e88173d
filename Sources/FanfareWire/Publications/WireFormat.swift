import NIOCore

/// The registry of wire formats: how a publication reads to one kind of client, down to the bytes of its transport.
///
/// A new format is a case here, its place in ``PerFormat``, its encoder in a folder under `Protocols`, and nothing else.
public enum WireFormat: Int, Sendable, CaseIterable {
    /// A WebSocket message that is the payload itself.
    case rawWebSocket
    /// A WebSocket text message with a push of the Centrifuge client protocol in JSON.
    case centrifugeJSONWebSocket

    /// The ready bytes of `publication` in this format, WebSocket header included.
    public func encode(_ publication: Publication) -> ByteBuffer {
        switch self {
        case .rawWebSocket: RawEncoder.frame(publication)
        case .centrifugeJSONWebSocket: CentrifugeJSONEncoder.publicationFrame(publication)
        }
    }
}

/// A set of wire formats, as a bit mask so that it fits an atomic.
public struct WireFormats: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public init(_ format: WireFormat) { self.rawValue = 1 << UInt8(format.rawValue) }

    public func contains(_ format: WireFormat) -> Bool { rawValue & (1 << UInt8(format.rawValue)) != 0 }
}
