import FanfareTestKit
import Foundation

/// A STOMP client on a WebSocket, written for tests: frames are text, with `^` for NUL.
struct STOMPClient: Sendable {
    let socket: WebSocketClient

    /// Connects, and says CONNECT.
    static func connect(
        _ port: Int, version: String = "1.2", headers: String = "", subprotocol: String? = "v12.stomp"
    ) async throws -> STOMPClient {
        let client = STOMPClient(
            socket: try await WebSocketClient.connect(
                port, "/stomp", headers: subprotocol.map { ["Sec-WebSocket-Protocol": $0] } ?? [:]))
        try await client.send("CONNECT\naccept-version:\(version)\nhost:test\n\(headers)\n^")
        let answer = try await client.next()
        guard answer.hasPrefix("CONNECTED\n") else { throw NotInTime(what: "CONNECTED; got \(answer)") }
        return client
    }

    func send(_ text: String) async throws { try await socket.send(text.replacing("^", with: "\0")) }

    /// The next message that is no heart-beat. A close frame is `close` and its code.
    func next() async throws -> String {
        while let message = try await socket.next() {
            switch message {
            case .text("\n"): continue
            case .text(let text): return text.replacing("\0", with: "^")
            case .binary(let bytes):
                return "binary " + String(decoding: bytes, as: UTF8.self).replacing("\0", with: "^")
            case .close(let code, _): return "close \(code ?? 0)"
            case .ping, .pong: continue
            }
        }
        return "end"
    }

    /// The next message, which must be a MESSAGE: its headers and body.
    func message() async throws -> (headers: [String: String], body: String) {
        let text = try await next()
        let parts = text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.hasPrefix("MESSAGE\n") || text.hasPrefix("binary MESSAGE\n"), parts.count == 2 else {
            throw NotInTime(what: "a MESSAGE; got \(text)")
        }
        var headers: [String: String] = [:]
        for line in parts[0].split(separator: "\n").dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if headers[String(pair[0])] == nil { headers[String(pair[0])] = String(pair.last ?? "") }
        }
        return (headers, String(parts[1].dropLast()))
    }

    /// Subscribes, and waits for the receipt.
    func subscribe(_ destination: String, id: String = "0", headers: String = "") async throws -> String {
        try await send("SUBSCRIBE\nid:\(id)\ndestination:\(destination)\nreceipt:sub\n\(headers)\n^")
        let answer = try await next()
        guard answer.hasPrefix("RECEIPT\nreceipt-id:sub\n") else { throw NotInTime(what: "RECEIPT; got \(answer)") }
        return answer
    }

    func close() async { await socket.close() }
}
