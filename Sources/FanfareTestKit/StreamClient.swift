import NIOCore
import Synchronization

/// A reader of an answer without end: an event stream, or lines. Takes the chunks of HTTP/1.1 apart after the grammar.
public final class StreamClient: Sendable {
    public let socket: SocketClient
    /// The head; of a refusal the body, too.
    public let answer: HTTPAnswer

    private struct Reading {
        /// `nil`: the bytes of the body end with the connection.
        var chunks: ChunkReader?
        var events = EventStreamReader()
        var lines: [String] = []
        var line: [UInt8] = []
        var emptyLines = 0
        var isLines: Bool
        /// Data of chunks that was read on, events that were given out, bytes of the body.
        var taken = 0
        var given = 0
        var bytes = 0

        mutating func feed(_ buffer: ByteBuffer) {
            bytes += buffer.readableBytes
            guard chunks != nil else { return read(buffer.readableBytesView) }
            chunks?.feed(buffer.readableBytesView)
            let data = chunks?.data ?? []
            read(data[taken...])
            taken = data.count
        }

        private mutating func read(_ data: some Collection<UInt8>) {
            guard isLines else { return events.feed(data) }
            for byte in data {
                guard byte == 0x0A else {
                    line.append(byte)
                    continue
                }
                if line.isEmpty { emptyLines += 1 } else { lines.append(String(decoding: line, as: UTF8.self)) }
                line = []
            }
        }
    }

    private let reading: Mutex<Reading>

    private init(socket: SocketClient, answer: HTTPAnswer) {
        self.socket = socket
        self.answer = answer
        let chunks = answer["transfer-encoding"] == "chunked" ? ChunkReader() : nil
        reading = Mutex(Reading(chunks: chunks, isLines: answer["content-type"] == "application/x-ndjson"))
    }

    /// Sends a request and reads the head of the answer, whatever it is.
    ///
    /// - Parameters:
    ///   - headers: `Accept` is sent as a browser does, unless it is among these.
    ///   - version: of HTTP.
    public static func connect(
        _ port: Int, _ path: String, headers: [String: String] = [:], method: String = "GET", version: String = "1.1",
        body: String = "", from address: String? = nil, receiveBuffer: Int? = nil, tls: TLSClient? = nil
    ) async throws -> StreamClient {
        let socket = try await SocketClient.connect(port, from: address, receiveBuffer: receiveBuffer, tls: tls)
        var request = "\(method) \(path) HTTP/\(version)\r\nHost: 127.0.0.1:\(port)\r\n"
        for (name, value) in ["Accept": "text/event-stream"].merging(headers, uniquingKeysWith: { $1 }) {
            request += "\(name): \(value)\r\n"
        }
        if !body.isEmpty { request += "Content-Length: \(body.utf8.count)\r\n" }
        try await socket.send(request + "\r\n" + body)
        guard let answer = try await socket.receive("an answer to \(path)", { HTTPAnswer.parse(&$0) }) else {
            throw NotInTime(what: "an answer to \(path): connection closed")
        }
        return StreamClient(socket: socket, answer: answer)
    }

    /// The node that answered.
    public var node: String { answer["fanfare-node"] ?? "" }
    /// Lines that began with a colon, or empty lines of a stream of lines.
    public var pings: Int { reading.withLock { $0.isLines ? $0.emptyLines : $0.events.comments } }
    /// With which a browser would come back.
    public var lastEventID: String { reading.withLock { $0.events.lastEventID } }
    /// Milliseconds, if the stream said so.
    public var reconnectionTime: Int? { reading.withLock { $0.events.reconnectionTime } }
    /// The chunks so far; `nil` where there are none.
    public var chunks: ChunkReader? { reading.withLock { $0.chunks } }
    /// Bytes of the body so far, and whether they end with a line.
    public var body: (bytes: Int, endsWithLine: Bool) { reading.withLock { ($0.bytes, $0.line.isEmpty) } }

    /// The next event; `nil` at the end of the connection.
    public func next(within limit: Duration = patience) async throws -> EventStreamReader.Event? {
        try await next(within: limit) { reading in
            guard reading.given < reading.events.events.count else { return nil }
            return reading.events.events[reading.given]
        }
    }

    /// The next line; `nil` at the end of the connection.
    public func nextLine(within limit: Duration = patience) async throws -> String? {
        try await next(within: limit) { $0.given < $0.lines.count ? $0.lines[$0.given] : nil }
    }

    /// The data of the next event, which has to be a message.
    public func nextText(within limit: Duration = patience) async throws -> String {
        guard let event = try await next(within: limit) else { throw NotInTime(what: "an event: the stream has ended") }
        guard event.type == "message" else { throw NotInTime(what: "a message; got \(event)") }
        return "\(event.data)"
    }

    /// Reads until a condition is true of what was read.
    public func read(
        within limit: Duration = patience, until isDone: (StreamClient) -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while !isDone(self) {
            guard try await more(until: deadline) else { throw NotInTime(what: "more: the stream has ended") }
        }
    }

    /// Reads to the end of the connection.
    public func readToEnd(within limit: Duration = patience) async throws {
        let deadline = ContinuousClock.now + limit
        while try await more(until: deadline) {}
    }

    public func close() async { await socket.close() }

    private func next<Item: Sendable>(
        within limit: Duration, _ find: (inout Reading) -> Item?
    ) async throws -> Item? {
        let deadline = ContinuousClock.now + limit
        while true {
            let item: Item? = reading.withLock { reading in
                let item = find(&reading)
                if item != nil { reading.given += 1 }
                return item
            }
            if let item { return item }
            guard try await more(until: deadline) else { return nil }
        }
    }

    /// Pings are bytes, too, so the time is that of all of them together.
    private func more(until deadline: ContinuousClock.Instant) async throws -> Bool {
        let left = deadline - .now
        guard left > .zero else { throw NotInTime(what: "more of a stream") }
        let bytes = try await socket.receive(within: left, "more of a stream") { bytes -> ByteBuffer? in
            bytes.readableBytes == 0 ? nil : bytes.readSlice(length: bytes.readableBytes)
        }
        guard let bytes else { return false }
        reading.withLock { $0.feed(bytes) }
        return true
    }
}

extension Node {
    /// An event stream of a channel.
    public func events(
        _ channel: String, headers: [String: String] = [:], tls: TLSClient? = nil
    ) async throws -> StreamClient {
        try await StreamClient.connect(port, "/channels/\(channel)/sse", headers: headers, tls: tls)
    }

    /// Lines of a channel.
    public func lines(_ channel: String, version: String = "1.1") async throws -> StreamClient {
        try await StreamClient.connect(
            port, "/channels/\(channel)/stream", headers: ["Accept": "*/*"], version: version)
    }
}
