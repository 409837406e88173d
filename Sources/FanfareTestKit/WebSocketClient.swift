import NIOCore

/// A WebSocket client that can also say what no client should.
public final class WebSocketClient: Sendable {
    /// What came.
    public enum Message: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(UInt16?, String)
    }

    /// The upgrade was answered with something else than 101.
    public struct Refused: Error, CustomStringConvertible {
        public let answer: HTTPAnswer
        public var description: String { "upgrade refused with \(answer.status): \(answer.body)" }
    }

    public let socket: SocketClient
    /// The 101.
    public let answer: HTTPAnswer

    /// The node that answered.
    public var node: String { answer["fanfare-node"] ?? "" }

    private init(socket: SocketClient, answer: HTTPAnswer) {
        self.socket = socket
        self.answer = answer
    }

    /// Opens a WebSocket.
    ///
    /// - Parameter preface: what is sent before the request.
    public static func connect(
        _ port: Int, _ path: String, headers: [String: String] = [:], from address: String? = nil,
        preface: [UInt8] = [], receiveBuffer: Int? = nil, tls: TLSClient? = nil
    ) async throws -> WebSocketClient {
        let socket = try await SocketClient.connect(port, from: address, receiveBuffer: receiveBuffer, tls: tls)
        if !preface.isEmpty { socket.sendLater(ByteBuffer(bytes: preface)) }
        var request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        for (name, value) in headers { request += "\(name): \(value)\r\n" }
        try await socket.send(request + "\r\n")
        guard let answer = try await socket.receive("an answer to the upgrade", { HTTPAnswer.parse(&$0) }) else {
            throw NotInTime(what: "an answer to the upgrade of \(path): connection closed")
        }
        guard answer.status == 101 else {
            await socket.close()
            throw Refused(answer: answer)
        }
        return WebSocketClient(socket: socket, answer: answer)
    }

    public func send(_ text: String) async throws { try await sendFrame(opcode: 1, Array(text.utf8)) }

    public func send(_ bytes: [UInt8]) async throws { try await sendFrame(opcode: 2, bytes) }

    /// Sends a close frame.
    public func sendClose(_ code: UInt16 = 1000) async throws {
        try await sendFrame(opcode: 8, [UInt8(code >> 8), UInt8(code & 255)])
    }

    /// Sends one frame, right or wrong.
    public func sendFrame(
        final: Bool = true, reserved: UInt8 = 0, opcode: UInt8, _ payload: [UInt8], masked: Bool = true
    ) async throws {
        try await socket.send(
            Self.frame(final: final, reserved: reserved, opcode: opcode, payload, masked: masked))
    }

    /// Sends a text without waiting for the kernel.
    public func sendLater(_ text: String) { socket.sendLater(Self.frame(opcode: 1, Array(text.utf8))) }

    /// The next message; answers pings unless told not to. `nil` at the end of the connection.
    public func next(within limit: Duration = patience, answersPings: Bool = true) async throws -> Message? {
        // The limit is for all of it: pings come for ever.
        let deadline = ContinuousClock.now + limit
        while let message = try await socket.receive(within: deadline - .now, "a message", Self.read) {
            guard case .ping(let payload) = message, answersPings else { return message }
            try await sendFrame(opcode: 10, payload)
        }
        return nil
    }

    /// The next message as text; fails on anything else.
    public func nextText(within limit: Duration = patience) async throws -> String {
        let message = try await next(within: limit)
        guard case .text(let text) = message else {
            throw NotInTime(what: "a text; got \(message.map { "\($0)" } ?? "the end of the connection")")
        }
        return text
    }

    /// The code of the close frame that comes, whatever comes before it.
    public func closeCode(within limit: Duration = patience) async throws -> UInt16? {
        let deadline = ContinuousClock.now + limit
        while let message = try await next(within: deadline - .now) {
            if case .close(let code, _) = message { return code }
        }
        return nil
    }

    public func close() async { await socket.close() }

    @Sendable private static func read(_ bytes: inout ByteBuffer) throws -> Message? {
        guard let (opcode, slice) = takeFrame(&bytes) else { return nil }
        let payload = Array(slice.readableBytesView)
        switch opcode {
        case 1: return .text(String(decoding: payload, as: UTF8.self))
        case 2: return .binary(payload)
        case 9: return .ping(payload)
        case 10: return .pong(payload)
        case 8:
            let code = payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil
            return .close(code, String(decoding: payload.dropFirst(2), as: UTF8.self))
        default: throw NotInTime(what: "a frame that servers send; got opcode \(opcode)")
        }
    }
}
