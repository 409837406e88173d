import FanfareTestKit
import Foundation
import NIOCore

/// A client of SockJS that says each request by hand.
struct SockJSClient: Sendable {
    let port: Int
    /// The place of the service and the session: `/sockjs/channels/a/000/id`.
    let path: String
    var headers: [String: String] = [:]
    var query = ""

    /// - Parameter service: as `channels/a` or `centrifuge`.
    init(_ port: Int, _ service: String, session: String = SockJSClient.newID()) {
        self.port = port
        path = "/sockjs/\(service)/000/\(session)"
    }

    /// One that `fanfare echo --sockjs` has.
    init(_ port: Int, place: String) {
        self.port = port
        path = "\(place)/000/\(Self.newID())"
    }

    private init(_ port: Int, path: String, headers: [String: String], query: String) {
        (self.port, self.path, self.headers, self.query) = (port, path, headers, query)
    }

    static func newID() -> String { String(UInt64.random(in: 0...UInt64.max), radix: 36) }

    /// The same session through another port.
    func through(_ port: Int) -> SockJSClient { SockJSClient(port, path: path, headers: headers, query: query) }

    func post(_ transport: String, _ body: String = "", _ more: [String: String] = [:]) async throws -> HTTPAnswer {
        try await HTTP.post(port, "\(path)/\(transport)\(query)", body, headers: headers.merging(more) { $1 })
    }

    func get(_ transport: String, _ query: String = "") async throws -> HTTPAnswer {
        try await HTTP.get(port, "\(path)/\(transport)\(query)", headers: headers)
    }

    /// The frame that a poll brings.
    func poll() async throws -> String {
        let answer = try await post("xhr")
        guard answer.status == 200, answer.body.hasSuffix("\n") else {
            throw NotInTime(what: "a frame; got \(answer.status): \(answer.body)")
        }
        return String(answer.body.dropLast())
    }

    /// Opens the session with a poll.
    func open() async throws {
        let frame = try await poll()
        guard frame == "o" else { throw NotInTime(what: "a session that opens; got \(frame)") }
    }

    /// The next messages of polls, as many as there are to be.
    func messages(_ count: Int) async throws -> [String] {
        var found: [String] = []
        while found.count < count {
            let frame = try await poll()
            if frame == "h" { continue }
            found += try Self.messages(of: frame)
        }
        return found
    }

    static func messages(of frame: String) throws -> [String] {
        guard frame.hasPrefix("a["), let list = try? JSONText.strings(String(frame.dropFirst())) else {
            throw NotInTime(what: "messages; got \(frame)")
        }
        return list
    }

    func send(_ messages: [String]) async throws -> Int {
        try await post("xhr_send", JSONText.array(messages), ["Content-Type": "text/plain"]).status
    }

    /// An answer that goes on; its chunks in their order are to be read with ``SockJSStream``.
    func stream(_ transport: String = "xhr_streaming", _ query: String = "") async throws -> SockJSStream {
        let isPost = transport == "xhr_streaming"
        let socket = try await SocketClient.connect(port)
        var head =
            "\(isPost ? "POST" : "GET") \(path)/\(transport)\(query)\(self.query) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if isPost { head += "Content-Length: 0\r\n" }
        try await socket.send(head + "\r\n")
        let answer = try await socket.receive("an answer to \(transport)") { HTTPAnswer.parse(&$0) }
        guard let answer else { throw NotInTime(what: "an answer to \(transport)") }
        return SockJSStream(socket: socket, answer: answer)
    }
}

/// An answer that goes on, chunk by chunk.
struct SockJSStream: Sendable {
    let socket: SocketClient
    let answer: HTTPAnswer

    /// The next chunk; empty: the last one. Fails where the connection ends without it.
    func chunk(within limit: Duration = patience) async throws -> String {
        let chunk = try await socket.receive(within: limit, "a chunk") { bytes -> String? in
            guard let end = bytes.readableBytesView.firstRange(of: [13, 10]) else { return nil }
            let digits = String(decoding: bytes.readableBytesView[..<end.lowerBound], as: UTF8.self)
            guard let size = Int(digits, radix: 16) else { throw NotInTime(what: "the size of a chunk; got \(digits)") }
            let head = digits.utf8.count + 2
            guard bytes.readableBytes >= head + size + 2 else { return nil }
            bytes.moveReaderIndex(forwardBy: head)
            let text = bytes.readString(length: size) ?? ""
            bytes.moveReaderIndex(forwardBy: 2)
            return text
        }
        guard let chunk else { throw NotInTime(what: "a chunk: the connection has ended") }
        return chunk
    }

    func close() async { await socket.close() }
}

/// JSON arrays of strings as a browser has them.
enum JSONText {
    static func array(_ texts: [String]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: texts), as: UTF8.self)
    }

    static func strings(_ text: String) throws -> [String] {
        guard let list = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String] else {
            throw NotInTime(what: "strings; got \(text)")
        }
        return list
    }
}
