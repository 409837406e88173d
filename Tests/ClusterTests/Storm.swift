import FanfareTestKit
import NIOCore

/// A crowd of raw clients that does everything in one moment.
final class Storm {
    private var sockets: [PlainSocket] = []

    /// All of them connect and send their request, and nobody waits for anybody.
    init(_ port: Int, path: String, count: Int) throws {
        OpenFiles.allow(count * 2 + 1_000)
        let request = ByteBuffer(
            string: "GET \(path) HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        for _ in 0..<count {
            let socket = try PlainSocket(port)
            socket.send(request)
            sockets.append(socket)
        }
    }

    /// Waits until all are let in.
    func open() async throws {
        var waiting = sockets
        try await eventually(within: .seconds(180), "everyone is let in; \(waiting.count) are not") {
            PlainSocket.wait(for: waiting, milliseconds: 10)
            waiting = try waiting.filter { socket in
                socket.push()
                socket.pull(upTo: 1_024)
                guard let answer = HTTPAnswer.parse(&socket.input) else {
                    guard !socket.isClosed else { throw NotInTime(what: "an answer: the connection was ended") }
                    return true
                }
                guard answer.status == 101 else { throw NotInTime(what: "a 101; got \(answer)") }
                return false
            }
            return waiting.isEmpty
        }
    }

    func reset() { for socket in sockets { socket.reset() } }
}
