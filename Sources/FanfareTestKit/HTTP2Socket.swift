import NIOCore

/// A frame of HTTP/2 (RFC 9113 §4.1), right or wrong.
public struct HTTP2TestFrame: Sendable, Equatable {
    public enum Kind: UInt8, Sendable {
        case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    public static let endStream: UInt8 = 0x1
    public static let acknowledged: UInt8 = 0x1
    public static let endHeaders: UInt8 = 0x4

    public var kind: Kind
    public var flags: UInt8
    public var stream: UInt32
    public var payload: [UInt8]

    public init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    /// A parameter of SETTINGS.
    public static func setting(_ parameter: UInt16, _ value: UInt32) -> [UInt8] {
        number(UInt32(parameter), bytes: 2) + number(value, bytes: 4)
    }

    public static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> HTTP2TestFrame {
        HTTP2TestFrame(.windowUpdate, stream: stream, number(increment, bytes: 4))
    }

    public static func reset(_ stream: UInt32) -> HTTP2TestFrame {
        HTTP2TestFrame(.reset, stream: stream, number(8, bytes: 4))
    }

    /// A request in one frame.
    public static func request(
        _ stream: UInt32, _ path: String, method: String = "GET", fields: [(String, String)] = [], ends: Bool = true
    ) -> HTTP2TestFrame {
        HTTP2TestFrame(
            .headers, flags: endHeaders | (ends ? endStream : 0), stream: stream,
            block([(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)] + fields))
    }

    /// Header fields as literals that nobody remembers (RFC 7541 §6.2.2).
    public static func block(_ fields: [(String, String)]) -> [UInt8] {
        func text(_ text: String) -> [UInt8] {
            var (length, bytes) = (text.utf8.count, [UInt8]())
            if length < 127 {
                bytes.append(UInt8(length))
            } else {
                bytes.append(127)
                length -= 127
                while length >= 128 {
                    bytes.append(UInt8(length % 128) | 0x80)
                    length /= 128
                }
                bytes.append(UInt8(length))
            }
            return bytes + Array(text.utf8)
        }
        return fields.flatMap { [0] + text($0.0) + text($0.1) }
    }

    /// What stands in a frame about the error that it tells: RST_STREAM, GOAWAY.
    public var errorCode: UInt32? {
        switch kind {
        case .reset where payload.count == 4: Self.number(payload[...])
        case .goAway where payload.count >= 8: Self.number(payload[4..<8])
        default: nil
        }
    }

    public var bytes: [UInt8] {
        Self.number(UInt32(payload.count), bytes: 3) + [kind.rawValue, flags] + Self.number(stream, bytes: 4) + payload
    }

    static func read(_ buffer: inout ByteBuffer) -> HTTP2TestFrame? {
        guard let head = buffer.getBytes(at: buffer.readerIndex, length: 9) else { return nil }
        let length = Int(number(head[0..<3]))
        guard buffer.readableBytes >= 9 + length, let kind = Kind(rawValue: head[3]) else { return nil }
        buffer.moveReaderIndex(forwardBy: 9)
        return HTTP2TestFrame(
            kind, flags: head[4], stream: number(head[5..<9]), buffer.readBytes(length: length) ?? [])
    }

    private static func number(_ value: UInt32, bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}

/// A client of HTTP/2 that sends what it is told, frame by frame.
public final class HTTP2Socket: Sendable {
    public let socket: SocketClient

    /// Connects, and sends preface and settings.
    ///
    /// - Parameter tls: has to offer `h2`.
    public static func connect(
        _ port: Int, tls: TLSClient, settings: [UInt8] = [], receiveBuffer: Int? = nil
    ) async throws -> HTTP2Socket {
        let client = HTTP2Socket(try await SocketClient.connect(port, receiveBuffer: receiveBuffer, tls: tls))
        try await client.socket.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        try await client.send([HTTP2TestFrame(.settings, settings)])
        return client
    }

    private init(_ socket: SocketClient) { self.socket = socket }

    public func send(_ frames: [HTTP2TestFrame]) async throws {
        try await socket.send(ByteBuffer(bytes: frames.flatMap(\.bytes)))
    }

    /// The next frame; `nil` at the end of the connection.
    public func next(within limit: Duration = patience) async throws -> HTTP2TestFrame? {
        try await socket.receive(within: limit, "a frame") { HTTP2TestFrame.read(&$0) }
    }

    /// The next frame that is one of these; `nil` at the end of the connection.
    public func next(
        within limit: Duration = patience, where isIt: (HTTP2TestFrame) -> Bool
    ) async throws -> HTTP2TestFrame? {
        let deadline = ContinuousClock.now + limit
        while let frame = try await next(within: deadline - .now) {
            if isIt(frame) { return frame }
        }
        return nil
    }

    public func close() async { await socket.close() }
}
